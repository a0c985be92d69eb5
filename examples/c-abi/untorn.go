// Go, with cgo. Usage: go run untorn.go DIRECTORY, with CGO_CFLAGS and CGO_LDFLAGS from pkg-config.
package main

/*
#include <stdlib.h>
#include <untorn.h>
*/
import "C"

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"unsafe"
)

// Failed is an error of the library, as a Go value: the C object is freed at once.
type Failed struct {
	Name, Message string
	Pid           uint32
}

func (failed *Failed) Error() string { return failed.Message }

func check(code C.untorn_code, err *C.untorn_error) error {
	if code == C.UNTORN_OK {
		return nil
	}
	defer C.untorn_error_free(err)
	return &Failed{C.GoString(C.untorn_code_name(code)), C.GoString(C.untorn_error_message(err)),
		uint32(C.untorn_holder_pid(C.untorn_error_holder(err)))}
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// A call that waits keeps one thread of the system busy, and lets other goroutines run. Go's
// signal handlers have SA_RESTART, so a signal ends no wait: give a timeout, or trigger an
// untorn_cancel from another goroutine. A lock belongs to the handle, not to the thread, so a
// goroutine may move between its calls. Release with defer: a finalizer may never run.
func main() {
	dir := os.Args[1]
	path := func(name string) *C.char { return C.CString(dir + "/" + name) } // small, and never freed here
	var err *C.untorn_error
	var journal *C.untorn_journal
	var end C.untorn_position
	must(check(C.untorn_journal_open(path("j.jsonl"), nil, &journal, &err), err))
	defer C.untorn_journal_close(journal)
	record := []byte("[1]")
	must(check(C.untorn_journal_append(journal, unsafe.Pointer(&record[0]), C.size_t(len(record)), nil, &end, &err), err))
	fmt.Println("appended", end.offset)

	var document *C.untorn_document
	var update *C.untorn_update
	var data *C.uint8_t
	var size C.size_t
	must(check(C.untorn_document_open(path("n.json"), nil, &document, &err), err))
	defer C.untorn_document_close(document)
	must(check(C.untorn_document_begin_update(document, nil, &update, &err), err))
	C.untorn_update_value(update, &data, &size)
	n, _ := strconv.Atoi(string(C.GoBytes(unsafe.Pointer(data), C.int(size))))
	value := []byte(strconv.Itoa(n + 1))
	saved := check(C.untorn_update_save(update, unsafe.Pointer(&value[0]), C.size_t(len(value)), nil, &err), err)
	C.untorn_update_finish(update) // in any case: it has the lock
	must(saved)
	fmt.Println("updated", n+1)

	var options C.untorn_lock_options // cgo knows no _INIT macro
	C.untorn_lock_options_init(&options, C.size_t(unsafe.Sizeof(options)))
	options.timeout_ms = 100
	var lock *C.untorn_lock
	var late *Failed
	if errors.As(check(C.untorn_lock_acquire(path("busy"), &options, &lock, &err), err), &late) {
		fmt.Println("timeout", late.Name, late.Pid)
	}

	var follow *C.untorn_follow
	var kind C.int32_t
	must(check(C.untorn_journal_follow(journal, &end, &follow, &err), err))
	defer C.untorn_follow_free(follow)
	record = []byte("[2]")
	must(check(C.untorn_journal_append(journal, unsafe.Pointer(&record[0]), C.size_t(len(record)), nil, nil, &err), err))
	must(check(C.untorn_follow_next(follow, nil, &kind, &data, &size, nil, nil, &err), err))
	fmt.Println("followed", string(C.GoBytes(unsafe.Pointer(data), C.int(size))))

	var none *Failed
	var lost *C.untorn_journal
	if errors.As(check(C.untorn_journal_open(path("no/such"), nil, &lost, &err), err), &none) {
		fmt.Println("error", none.Name, none.Message)
	}
}
