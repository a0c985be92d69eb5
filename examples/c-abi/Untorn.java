// Java, with JNA, which needs no compiler and no Java 22 (as the foreign function API does).
// Usage: LD_LIBRARY_PATH=DIR java -cp jna.jar Untorn.java DIRECTORY
import com.sun.jna.Library;
import com.sun.jna.Native;
import com.sun.jna.Pointer;
import com.sun.jna.Structure;
import com.sun.jna.ptr.IntByReference;
import com.sun.jna.ptr.LongByReference;
import com.sun.jna.ptr.PointerByReference;
import java.nio.charset.StandardCharsets;

public class Untorn {
    public interface C extends Library {
        int untorn_journal_open(String path, Pointer options, PointerByReference journal, PointerByReference error);
        int untorn_journal_append(Pointer journal, byte[] record, long len, Pointer call, Position end, PointerByReference error);
        int untorn_journal_follow(Pointer journal, Position start, PointerByReference follow, PointerByReference error);
        int untorn_follow_next(Pointer follow, Pointer call, IntByReference kind, PointerByReference data,
            LongByReference len, Position start, Position end, PointerByReference error);
        void untorn_follow_free(Pointer follow);
        void untorn_journal_close(Pointer journal);
        int untorn_document_open(String path, Pointer options, PointerByReference document, PointerByReference error);
        int untorn_document_begin_update(Pointer document, Pointer call, PointerByReference update, PointerByReference error);
        void untorn_update_value(Pointer update, PointerByReference data, LongByReference len);
        int untorn_update_save(Pointer update, byte[] data, long len, Pointer version, PointerByReference error);
        void untorn_update_finish(Pointer update);
        void untorn_document_close(Pointer document);
        void untorn_lock_options_init(LockOptions options, long size);
        int untorn_lock_acquire(String path, LockOptions options, PointerByReference lock, PointerByReference error);
        String untorn_code_name(int code);
        Pointer untorn_error_message(Pointer error);
        Pointer untorn_error_holder(Pointer error);
        int untorn_holder_pid(Pointer holder);
        void untorn_error_free(Pointer error);
    }

    @Structure.FieldOrder({"generation", "offset"})
    public static class Position extends Structure {
        public long generation, offset;
    }

    @Structure.FieldOrder({"size", "timeout_ms", "shared", "reserved", "label", "cancel", "scheme", "on_unsupported", "stale_ms"})
    public static class LockOptions extends Structure {
        public long size, timeout_ms;
        public int shared, reserved;
        public Pointer label, cancel;
        public int scheme, on_unsupported;
        public long stale_ms;
    }

    static class Failed extends Exception {
        final String name;
        final int pid;

        Failed(int code, Pointer error) {
            super(C.untorn_error_message(error).getString(0, "UTF-8"));
            name = C.untorn_code_name(code);
            pid = C.untorn_holder_pid(C.untorn_error_holder(error));
            C.untorn_error_free(error);
        }
    }

    static final C C = Native.load("untorn", C.class);
    static final PointerByReference ERROR = new PointerByReference();

    static void check(int code) throws Failed {
        if (code != 0) {
            throw new Failed(code, ERROR.getValue());
        }
    }

    // Thread.interrupt() ends no wait in C: give a timeout, or trigger an untorn_cancel from another
    // thread. A virtual thread that waits keeps its carrier. A Cleaner comes too late for a lock:
    // release it in `finally`. JNA attaches the library's thread for an event callback.
    public static void main(String[] arguments) throws Failed {
        String dir = arguments[0] + "/";
        PointerByReference place = new PointerByReference();
        Position end = new Position();
        check(C.untorn_journal_open(dir + "j.jsonl", null, place, ERROR));
        Pointer journal = place.getValue();
        check(C.untorn_journal_append(journal, "[1]".getBytes(), 3, null, end, ERROR));
        System.out.println("appended " + end.offset);

        check(C.untorn_document_open(dir + "n.json", null, place, ERROR));
        Pointer document = place.getValue();
        check(C.untorn_document_begin_update(document, null, place, ERROR));
        Pointer update = place.getValue();
        PointerByReference data = new PointerByReference();
        LongByReference len = new LongByReference();
        try {
            C.untorn_update_value(update, data, len);
            int n = data.getValue() == null ? 0 : Integer.parseInt(text(data, len));
            byte[] value = String.valueOf(n + 1).getBytes();
            check(C.untorn_update_save(update, value, value.length, null, ERROR));
            System.out.println("updated " + (n + 1));
        } finally {
            C.untorn_update_finish(update); // in any case: it has the lock
            C.untorn_document_close(document);
        }

        LockOptions options = new LockOptions();
        C.untorn_lock_options_init(options, options.size());
        options.timeout_ms = 100;
        try {
            check(C.untorn_lock_acquire(dir + "busy", options, place, ERROR));
        } catch (Failed late) {
            System.out.println("timeout " + late.name + " " + late.pid);
        }

        check(C.untorn_journal_follow(journal, end, place, ERROR));
        Pointer follow = place.getValue();
        check(C.untorn_journal_append(journal, "[2]".getBytes(), 3, null, null, ERROR));
        check(C.untorn_follow_next(follow, null, new IntByReference(), data, len, null, null, ERROR));
        System.out.println("followed " + text(data, len));
        C.untorn_follow_free(follow);
        C.untorn_journal_close(journal);

        try {
            check(C.untorn_journal_open(dir + "no/such", null, place, ERROR));
        } catch (Failed none) {
            System.out.println("error " + none.name + " " + none.getMessage());
        }
    }

    static String text(PointerByReference data, LongByReference len) {
        return new String(data.getValue().getByteArray(0, (int) len.getValue()), StandardCharsets.UTF_8);
    }
}
