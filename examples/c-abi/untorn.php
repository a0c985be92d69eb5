<?php
// PHP, with its extension FFI. Usage: php untorn.php LIBRARY DECLARATIONS DIRECTORY
[, $library, $declarations, $dir] = $argv;
$untorn = FFI::cdef(file_get_contents($declarations), $library);

// An error is freed here, so that no caller can forget it.
$error = $untorn->new('untorn_error *');
function check(int $code): void
{
    global $untorn, $error;
    if ($code === 0) {
        return;
    }
    $failed = new RuntimeException($untorn->untorn_error_message($error), $code);
    $failed->name = $untorn->untorn_code_name($code);
    $failed->pid = $untorn->untorn_holder_pid($untorn->untorn_error_holder($error));
    $untorn->untorn_error_free($error);
    throw $failed;
}

$journal = $untorn->new('untorn_journal *');
$position = $untorn->new('untorn_position');
check($untorn->untorn_journal_open("$dir/j.jsonl", null, FFI::addr($journal), FFI::addr($error)));
check($untorn->untorn_journal_append($journal, '[1]', 3, null, FFI::addr($position), FFI::addr($error)));
echo "appended {$position->offset}\n";

$document = $untorn->new('untorn_document *');
$update = $untorn->new('untorn_update *');
$data = $untorn->new('const uint8_t *');
$len = $untorn->new('size_t');
check($untorn->untorn_document_open("$dir/n.json", null, FFI::addr($document), FFI::addr($error)));
check($untorn->untorn_document_begin_update($document, null, FFI::addr($update), FFI::addr($error)));
try {
    $untorn->untorn_update_value($update, FFI::addr($data), FFI::addr($len));
    $n = (string) ((FFI::isNull($data) ? 0 : (int) FFI::string($data, $len->cdata)) + 1);
    check($untorn->untorn_update_save($update, $n, strlen($n), null, FFI::addr($error)));
} finally {
    $untorn->untorn_update_finish($update); // in any case: it has the lock
    $untorn->untorn_document_close($document);
}
echo "updated $n\n";

// A wait blocks PHP, and max_execution_time does not count it. Under PHP-FPM always set a
// timeout. Objects of FFI have no destructor: close and release by name, in `finally`.
$options = $untorn->new('untorn_lock_options');
$untorn->untorn_lock_options_init(FFI::addr($options), FFI::sizeof($options));
$options->timeout_ms = 100;
$lock = $untorn->new('untorn_lock *');
try {
    check($untorn->untorn_lock_acquire("$dir/busy", FFI::addr($options), FFI::addr($lock), FFI::addr($error)));
} catch (RuntimeException $late) {
    echo "timeout {$late->name} {$late->pid}\n";
}

$follow = $untorn->new('untorn_follow *');
$kind = $untorn->new('int32_t');
check($untorn->untorn_journal_follow($journal, FFI::addr($position), FFI::addr($follow), FFI::addr($error)));
check($untorn->untorn_journal_append($journal, '[2]', 3, null, null, FFI::addr($error)));
check($untorn->untorn_follow_next($follow, null, FFI::addr($kind), FFI::addr($data), FFI::addr($len), null, null, FFI::addr($error)));
echo 'followed ' . FFI::string($data, $len->cdata) . "\n";
$untorn->untorn_follow_free($follow);
$untorn->untorn_journal_close($journal);

$lost = $untorn->new('untorn_journal *');
try {
    check($untorn->untorn_journal_open("$dir/no/such", null, FFI::addr($lost), FFI::addr($error)));
} catch (RuntimeException $none) {
    echo "error {$none->name} {$none->getMessage()}\n";
}
