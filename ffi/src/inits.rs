//! The defaults of each struct of options, for languages without C's macros.

use crate::call::CallOptions;
use crate::lock::LockOptions;
use crate::option_structs::{DocumentOptions, JournalOptions};
use crate::options::init;
use crate::postgres::{PostgresDriver, PostgresOptions};
use crate::records::RecordsOptions;
use crate::store::StoreOptions;
use crate::transaction::TransactionOptions;

/// Writes what UNTORN_CALL_OPTIONS_INIT holds, for languages without C's macros. size is
/// the size of the struct as the caller has it. NULL is allowed and does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_call_options_init(call: *mut CallOptions, size: usize) {
    // SAFETY: NULL or a struct of this size.
    unsafe { init(call, size) }
}

/// Writes what UNTORN_JOURNAL_OPTIONS_INIT holds. See untorn_call_options_init().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_journal_options_init(options: *mut JournalOptions, size: usize) {
    // SAFETY: NULL or a struct of this size.
    unsafe { init(options, size) }
}

/// Writes what UNTORN_RECORDS_OPTIONS_INIT holds. See untorn_call_options_init().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_records_options_init(options: *mut RecordsOptions, size: usize) {
    // SAFETY: NULL or a struct of this size.
    unsafe { init(options, size) }
}

/// Writes what UNTORN_DOCUMENT_OPTIONS_INIT holds. See untorn_call_options_init().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_document_options_init(options: *mut DocumentOptions, size: usize) {
    // SAFETY: NULL or a struct of this size.
    unsafe { init(options, size) }
}

/// Writes what UNTORN_LOCK_OPTIONS_INIT holds. See untorn_call_options_init().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_lock_options_init(options: *mut LockOptions, size: usize) {
    // SAFETY: NULL or a struct of this size.
    unsafe { init(options, size) }
}

/// Writes what UNTORN_TRANSACTION_OPTIONS_INIT holds. See untorn_call_options_init().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_transaction_options_init(
    options: *mut TransactionOptions,
    size: usize,
) {
    // SAFETY: NULL or a struct of this size.
    unsafe { init(options, size) }
}

/// Writes what UNTORN_STORE_OPTIONS_INIT holds. See untorn_call_options_init().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_store_options_init(options: *mut StoreOptions, size: usize) {
    // SAFETY: NULL or a struct of this size.
    unsafe { init(options, size) }
}

/// Writes what UNTORN_POSTGRES_OPTIONS_INIT holds. See untorn_call_options_init().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_postgres_options_init(options: *mut PostgresOptions, size: usize) {
    // SAFETY: NULL or a struct of this size.
    unsafe { init(options, size) }
}

/// Writes what UNTORN_POSTGRES_DRIVER_INIT holds. See untorn_call_options_init().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_postgres_driver_init(driver: *mut PostgresDriver, size: usize) {
    // SAFETY: NULL or a struct of this size.
    unsafe { init(driver, size) }
}
