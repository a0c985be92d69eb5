// C#, with P/Invoke. Usage: mcs Untorn.cs; LD_LIBRARY_PATH=DIR mono Untorn.exe DIRECTORY
using System;
using System.Runtime.InteropServices;
using System.Text;

static class Untorn
{
    const string Library = "libuntorn.so.0";
    [DllImport(Library)] static extern int untorn_journal_open(byte[] path, IntPtr options, out IntPtr journal, out IntPtr error);
    [DllImport(Library)] static extern int untorn_journal_append(IntPtr journal, byte[] record, UIntPtr len, IntPtr call, out Position end, out IntPtr error);
    [DllImport(Library)] static extern int untorn_journal_follow(IntPtr journal, ref Position start, out IntPtr follow, out IntPtr error);
    [DllImport(Library)] static extern int untorn_follow_next(IntPtr follow, IntPtr call, out int kind, out IntPtr data, out UIntPtr len, IntPtr start, IntPtr end, out IntPtr error);
    [DllImport(Library)] static extern void untorn_follow_free(IntPtr follow);
    [DllImport(Library)] static extern void untorn_journal_close(IntPtr journal);
    [DllImport(Library)] static extern int untorn_document_open(byte[] path, IntPtr options, out IntPtr document, out IntPtr error);
    [DllImport(Library)] static extern int untorn_document_begin_update(IntPtr document, IntPtr call, out IntPtr update, out IntPtr error);
    [DllImport(Library)] static extern void untorn_update_value(IntPtr update, out IntPtr data, out UIntPtr len);
    [DllImport(Library)] static extern int untorn_update_save(IntPtr update, byte[] data, UIntPtr len, IntPtr version, out IntPtr error);
    [DllImport(Library)] static extern void untorn_update_finish(IntPtr update);
    [DllImport(Library)] static extern void untorn_document_close(IntPtr document);
    [DllImport(Library)] static extern void untorn_lock_options_init(ref LockOptions options, UIntPtr size);
    [DllImport(Library)] static extern int untorn_lock_acquire(byte[] path, ref LockOptions options, out IntPtr hold, out IntPtr error);
    [DllImport(Library)] static extern IntPtr untorn_code_name(int code);
    [DllImport(Library)] static extern IntPtr untorn_error_message(IntPtr error);
    [DllImport(Library)] static extern IntPtr untorn_error_holder(IntPtr error);
    [DllImport(Library)] static extern uint untorn_holder_pid(IntPtr holder);
    [DllImport(Library)] static extern void untorn_error_free(IntPtr error);

    [StructLayout(LayoutKind.Sequential)]
    struct Position { public ulong Generation, Offset; }

    [StructLayout(LayoutKind.Sequential)]
    struct LockOptions
    {
        public UIntPtr Size;
        public long TimeoutMs;
        public int Shared, Reserved;
        public IntPtr Label, Cancel;
        public int Scheme, OnUnsupported;
        public long StaleMs;
    }

    class Failed : Exception
    {
        public readonly string Name;
        public readonly uint Pid;

        public Failed(int code, IntPtr error) : base(Text(untorn_error_message(error)))
        {
            Name = Text(untorn_code_name(code));
            Pid = untorn_holder_pid(untorn_error_holder(error));
            untorn_error_free(error);
        }
    }

    static void Check(int code, IntPtr error) { if (code != 0) throw new Failed(code, error); }

    // UTF-8, with the NUL: `string` would be in another encoding on some systems.
    static byte[] C(string text) { return Encoding.UTF8.GetBytes(text + "\0"); }

    static string Text(IntPtr text, int len = -1)
    {
        while (len < 0) for (len = 0; Marshal.ReadByte(text, len) != 0;) len++;
        var bytes = new byte[len];
        Marshal.Copy(text, bytes, 0, len);
        return Encoding.UTF8.GetString(bytes);
    }

    // A CancellationToken ends no wait in C: give a timeout, or trigger an untorn_cancel. A SafeHandle
    // closes handles that a program lost; a lock needs `using` or `finally`. Keep a delegate that is
    // an event callback in a static field: the collector does not know that C has it.
    static void Main(string[] arguments)
    {
        string dir = arguments[0] + "/";
        IntPtr journal, document, update, data, hold, follow, error;
        UIntPtr len;
        Position end, next;
        int kind;
        Check(untorn_journal_open(C(dir + "j.jsonl"), IntPtr.Zero, out journal, out error), error);
        Check(untorn_journal_append(journal, C("[1]"), (UIntPtr)3, IntPtr.Zero, out end, out error), error);
        Console.WriteLine("appended " + end.Offset);

        Check(untorn_document_open(C(dir + "n.json"), IntPtr.Zero, out document, out error), error);
        Check(untorn_document_begin_update(document, IntPtr.Zero, out update, out error), error);
        try
        {
            untorn_update_value(update, out data, out len);
            int n = data == IntPtr.Zero ? 0 : int.Parse(Text(data, (int)len));
            byte[] value = Encoding.UTF8.GetBytes((n + 1).ToString());
            Check(untorn_update_save(update, value, (UIntPtr)value.Length, IntPtr.Zero, out error), error);
            Console.WriteLine("updated " + (n + 1));
        }
        finally
        {
            untorn_update_finish(update); // in any case: it has the lock
            untorn_document_close(document);
        }

        var options = new LockOptions();
        untorn_lock_options_init(ref options, (UIntPtr)Marshal.SizeOf(options));
        options.TimeoutMs = 100;
        try { Check(untorn_lock_acquire(C(dir + "busy"), ref options, out hold, out error), error); }
        catch (Failed late) { Console.WriteLine("timeout " + late.Name + " " + late.Pid); }

        Check(untorn_journal_follow(journal, ref end, out follow, out error), error);
        Check(untorn_journal_append(journal, C("[2]"), (UIntPtr)3, IntPtr.Zero, out next, out error), error);
        Check(untorn_follow_next(follow, IntPtr.Zero, out kind, out data, out len, IntPtr.Zero, IntPtr.Zero, out error), error);
        Console.WriteLine("followed " + Text(data, (int)len));
        untorn_follow_free(follow);
        untorn_journal_close(journal);

        try { Check(untorn_journal_open(C(dir + "no/such"), IntPtr.Zero, out journal, out error), error); }
        catch (Failed none) { Console.WriteLine("error " + none.Name + " " + none.Message); }
    }
}
