/* bcryptprimitives.dll for Wine 8 (which has none; Rust >= 1.78 std imports ProcessPrng from it).
 *
 * With WINE_STRICT=1 in the environment it also patches, inside the process that loads it, the
 * file calls in which Wine 8/10 is laxer than, or lacks, what NTFS does:
 *   NtLockFile            needs FILE_READ_DATA or FILE_WRITE_DATA            (Wine: no check)
 *   NtUnlockFile          STATUS_RANGE_NOT_LOCKED when nothing is locked     (Wine: FILE_LOCK_CONFLICT)
 *   NtReadFile/NtWriteFile  STATUS_FILE_LOCK_CONFLICT inside another's lock  (Wine: not enforced)
 *   NtWriteFile           atomic append                                      (Wine: fstat + pwrite)
 *   NtWriteFile at "the end" (offset -1)  atomic too, through a handle that may write anywhere
 *   NtQueryInformationFile  the creation time                                (Wine 8: the time of the last write)
 *   set end of file       needs FILE_WRITE_DATA                              (Wine: append is enough)
 *   FileRenameInfoEx      POSIX replace of an open target                    (Wine: ERROR_INVALID_PARAMETER)
 *   renames               of a directory with an open file in it: access denied (Wine: renamed)
 *   FileDispositionInfoEx, DeleteFileW   POSIX delete                        (Wine 8: the name stays)
 *   GetFinalPathNameByHandleW  paths of more than 260 characters             (Wine 8: ERROR_MORE_DATA)
 * It EMULATES what Microsoft documents; it is no proof of what Windows does.
 * Only processes that import bcryptprimitives.dll (every Rust >= 1.78 program) are patched.
 */
#include <windows.h>
#include <winternl.h>
#include <stdlib.h>
#include <string.h>

BOOLEAN NTAPI SystemFunction036(PVOID, ULONG); /* advapi32!RtlGenRandom */
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE p, SIZE_T n)
{
    while (n) { ULONG c = n > 0x40000000 ? 0x40000000 : (ULONG)n;
        if (!SystemFunction036(p, c)) return FALSE;
        p += c; n -= c; }
    return TRUE;
}

#define S_ACCESS_DENIED    ((NTSTATUS)0xC0000022)
#define S_LOCK_CONFLICT    ((NTSTATUS)0xC0000054)
#define S_LOCK_NOT_GRANTED ((NTSTATUS)0xC0000055)
#define S_RANGE_NOT_LOCKED ((NTSTATUS)0xC000007E)

typedef NTSTATUS (NTAPI *lock_t)(HANDLE,HANDLE,PIO_APC_ROUTINE,void*,PIO_STATUS_BLOCK,PLARGE_INTEGER,PLARGE_INTEGER,ULONG*,BOOLEAN,BOOLEAN);
typedef NTSTATUS (NTAPI *unlock_t)(HANDLE,PIO_STATUS_BLOCK,PLARGE_INTEGER,PLARGE_INTEGER,PULONG);
typedef NTSTATUS (NTAPI *rw_t)(HANDLE,HANDLE,PIO_APC_ROUTINE,void*,PIO_STATUS_BLOCK,void*,ULONG,PLARGE_INTEGER,PULONG);
typedef NTSTATUS (NTAPI *close_t)(HANDLE);
typedef NTSTATUS (NTAPI *setinfo_t)(HANDLE,PIO_STATUS_BLOCK,void*,ULONG,int);
typedef NTSTATUS (NTAPI *query_t)(HANDLE,PIO_STATUS_BLOCK,void*,ULONG,int);
static query_t o_query;
static lock_t o_lock; static unlock_t o_unlock; static rw_t o_read, o_write; static close_t o_close; static setinfo_t o_setinfo;
static NTSTATUS (NTAPI *p_queryobj)(HANDLE,int,void*,ULONG,ULONG*);
static NTSTATUS (NTAPI *p_queryfile)(HANDLE,PIO_STATUS_BLOCK,void*,ULONG,int);
static NTSTATUS (NTAPI *p_compare)(HANDLE,HANDLE);
static NTSTATUS (*p_h2fd)(HANDLE,unsigned,int*,unsigned*);
static char *(*p_unixname)(const WCHAR*);
static BOOLEAN (NTAPI *p_dos2nt)(const WCHAR*,UNICODE_STRING*,WCHAR**,void*);
static ULONG (NTAPI *p_dos_err)(NTSTATUS);

typedef long long i64;
static i64 sys3(i64 n, i64 a, i64 b, i64 c)
{ i64 r; __asm__ volatile("syscall" : "=a"(r) : "a"(n), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory"); return r; }
static i64 sys5(i64 n, i64 a, i64 b, i64 c, i64 d, i64 e)
{ i64 r; register i64 r10 __asm__("r10") = d; register i64 r8 __asm__("r8") = e;
  __asm__ volatile("syscall" : "=a"(r) : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8) : "rcx", "r11", "memory"); return r; }
enum { SYS_write = 1, SYS_open = 2, SYS_lseek = 8, SYS_statx = 332, SYS_close = 3, SYS_fcntl = 72, SYS_rename = 82, SYS_rmdir = 84, SYS_unlink = 87, SYS_readlink = 89, SYS_getdents = 217 };
struct ux_flock { short type, whence; int pad; long long start, len; int pid, pad2; };

/* the locks this process holds, so that a handle's own lock does not stop it */
struct rec { HANDLE h; ULONGLONG a, b; BOOL ex; };
static struct rec *recs; static int nrec, crec; static SRWLOCK srw = SRWLOCK_INIT;

static ACCESS_MASK granted(HANDLE h)
{ struct { ULONG attr; ACCESS_MASK access; ULONG x[16]; } i; ULONG n;
  return p_queryobj(h, 0, &i, 56, &n) >= 0 ? i.access : ~0u; }

static NTSTATUS NTAPI h_lock(HANDLE h, HANDLE ev, PIO_APC_ROUTINE apc, void *u, PIO_STATUS_BLOCK io, PLARGE_INTEGER off, PLARGE_INTEGER len, ULONG *key, BOOLEAN nowait, BOOLEAN ex)
{
    NTSTATUS s;
    if (!(granted(h) & (FILE_READ_DATA | FILE_WRITE_DATA))) return S_ACCESS_DENIED;
    s = o_lock(h, ev, apc, u, io, off, len, key, nowait, ex);
    if (s >= 0 && off && len && len->QuadPart) {
        AcquireSRWLockExclusive(&srw);
        if (nrec == crec) { crec = crec ? crec * 2 : 16; recs = realloc(recs, crec * sizeof *recs); }
        recs[nrec].h = h; recs[nrec].a = off->QuadPart; recs[nrec].ex = ex;
        recs[nrec].b = recs[nrec].a + (ULONGLONG)len->QuadPart - 1; if (recs[nrec].b < recs[nrec].a) recs[nrec].b = ~0ull;
        nrec++;
        ReleaseSRWLockExclusive(&srw);
    }
    return s;
}
static BOOL same(HANDLE a, HANDLE b) { return a == b || (p_compare && p_compare(a, b) == 0); }
static NTSTATUS NTAPI h_unlock(HANDLE h, PIO_STATUS_BLOCK io, PLARGE_INTEGER off, PLARGE_INTEGER len, PULONG key)
{
    NTSTATUS s = o_unlock(h, io, off, len, key); int i, hit = -1;
    if (s == S_LOCK_CONFLICT) return S_RANGE_NOT_LOCKED;
    if (s >= 0 && off && len) {
        ULONGLONG a = off->QuadPart, b = a + (ULONGLONG)len->QuadPart - 1; if (b < a) b = ~0ull;
        AcquireSRWLockExclusive(&srw);
        for (i = 0; i < nrec; i++) if (recs[i].a == a && recs[i].b == b && same(h, recs[i].h) && (hit < 0 || recs[i].ex)) hit = i;
        if (hit >= 0) recs[hit] = recs[--nrec];
        ReleaseSRWLockExclusive(&srw);
    }
    return s;
}
static NTSTATUS NTAPI h_close(HANDLE h)
{
    int i;
    if (nrec) { AcquireSRWLockExclusive(&srw);
        for (i = 0; i < nrec; ) if (recs[i].h == h) recs[i] = recs[--nrec]; else i++;
        ReleaseSRWLockExclusive(&srw); }
    return o_close(h);
}
/* Wine mirrors its locks as POSIX locks of the wineserver process: ask the kernel about them */
static NTSTATUS conflict(HANDLE h, PLARGE_INTEGER off, ULONG len, BOOL write)
{
    struct ux_flock fl; int fd, i; i64 r; ULONGLONG a, b; NTSTATUS s = 0; IO_STATUS_BLOCK io; LARGE_INTEGER pos;
    if (!len || p_h2fd(h, 0, &fd, NULL)) return 0;
    if (off && (off->QuadPart >= 0)) a = off->QuadPart;
    else if (off && off->HighPart == -1 && off->LowPart == 0xffffffff) a = 0x7ffffffffff00000ull; /* append */
    else { if (p_queryfile(h, &io, &pos, sizeof pos, 14) < 0) goto out; a = pos.QuadPart; }
    b = a + len - 1;
    memset(&fl, 0, sizeof fl); fl.type = write ? 1 : 0; fl.start = a; fl.len = len;
    r = sys3(SYS_fcntl, fd, 5 /* F_GETLK */, (i64)&fl);
    if (r < 0 || fl.type == 2) goto out;
    s = S_LOCK_CONFLICT;
    AcquireSRWLockShared(&srw);
    for (i = 0; i < nrec; i++) if (recs[i].a <= b && recs[i].b >= a && recs[i].ex && same(h, recs[i].h)) { s = 0; break; }
    ReleaseSRWLockShared(&srw);
out:
    sys3(SYS_close, fd, 0, 0);
    return s;
}
/* Wine appends with fstat + pwrite, which two processes can interleave; O_APPEND makes it atomic as on NTFS */
static void atomic_append(HANDLE h)
{ int fd; i64 fl;
  if ((granted(h) & (FILE_WRITE_DATA | FILE_APPEND_DATA)) != FILE_APPEND_DATA || p_h2fd(h, 0, &fd, NULL)) return;
  fl = sys3(SYS_fcntl, fd, 3 /* F_GETFL */, 0);
  if (fl >= 0 && !(fl & 02000)) sys3(SYS_fcntl, fd, 4 /* F_SETFL */, fl | 02000);
  sys3(SYS_close, fd, 0, 0); }
/* NTFS keeps when a file was made; Wine 8 answers with when it was last written */
static NTSTATUS NTAPI h_query(HANDLE h, PIO_STATUS_BLOCK io, void *p, ULONG n, int cls)
{
    NTSTATUS s = o_query(h, io, p, n, cls); int fd; unsigned char st[256];
    if (s < 0 || (cls != 4 && cls != 18) || n < 8 || p_h2fd(h, 0, &fd, NULL)) return s;
    memset(st, 0, sizeof st);
    if (!sys5(SYS_statx, fd, (i64)"", 0x1000 /* AT_EMPTY_PATH */, 0x800 /* STATX_BTIME */, (i64)st) && (*(unsigned *)st & 0x800))
        *(i64 *)p = *(i64 *)(st + 80) * 10000000 + *(unsigned *)(st + 88) / 100 + 116444736000000000ll;
    sys3(SYS_close, fd, 0, 0);
    return s;
}
/* a write at "the end" through a handle that could write anywhere: one call of O_APPEND */
static BOOL append(HANDLE h, PIO_STATUS_BLOCK io, void *buf, ULONG n, PLARGE_INTEGER off, NTSTATUS *s)
{
    char link[40] = "/proc/self/fd/", tmp[12]; int fd, k = 14, i = 0; i64 fd2, r;
    if (!off || off->HighPart != -1 || off->LowPart != 0xffffffff || !(granted(h) & FILE_WRITE_DATA) || p_h2fd(h, 0, &fd, NULL)) return FALSE;
    for (int v = fd; v || !i; v /= 10) tmp[i++] = '0' + v % 10;
    while (i) link[k++] = tmp[--i];
    link[k] = 0;
    fd2 = sys3(SYS_open, (i64)link, 1 | 02000 | 02000000 /* O_WRONLY | O_APPEND | O_CLOEXEC */, 0);
    if (fd2 < 0) { sys3(SYS_close, fd, 0, 0); return FALSE; }
    r = sys3(SYS_write, fd2, (i64)buf, n);
    if (r >= 0) sys3(SYS_lseek, fd, sys3(SYS_lseek, fd2, 0, 1), 0);
    sys3(SYS_close, fd2, 0, 0); sys3(SYS_close, fd, 0, 0);
    *s = r >= 0 ? 0 : r == -28 ? (NTSTATUS)0xC000007F /* STATUS_DISK_FULL */ : (NTSTATUS)0xC0000185 /* STATUS_IO_DEVICE_ERROR */;
    if (io) { io->Status = *s; io->Information = r >= 0 ? r : 0; }
    return TRUE;
}
static NTSTATUS NTAPI h_read(HANDLE h, HANDLE ev, PIO_APC_ROUTINE apc, void *u, PIO_STATUS_BLOCK io, void *buf, ULONG n, PLARGE_INTEGER off, PULONG key)
{ NTSTATUS s = conflict(h, off, n, FALSE); if (s) { if (io) io->Information = 0; return s; } return o_read(h, ev, apc, u, io, buf, n, off, key); }
static NTSTATUS NTAPI h_write(HANDLE h, HANDLE ev, PIO_APC_ROUTINE apc, void *u, PIO_STATUS_BLOCK io, void *buf, ULONG n, PLARGE_INTEGER off, PULONG key)
{ NTSTATUS s = conflict(h, off, n, TRUE); if (s) { if (io) io->Information = 0; return s; } if (!ev && append(h, io, buf, n, off, &s)) return s; atomic_append(h); return o_write(h, ev, apc, u, io, buf, n, off, key); }

static BOOL unix_path(HANDLE h, char *out, int size)
{
    char link[40] = "/proc/self/fd/", tmp[12]; int fd, n = 14, i = 0; i64 r;
    if (p_h2fd(h, 0, &fd, NULL)) return FALSE;
    for (int v = fd; v || !i; v /= 10) tmp[i++] = '0' + v % 10;
    while (i) link[n++] = tmp[--i];
    link[n] = 0;
    r = sys3(SYS_readlink, (i64)link, (i64)out, size - 1);
    sys3(SYS_close, fd, 0, 0);
    if (r <= 0) return FALSE;
    out[r] = 0; return out[0] == '/';
}
static DWORD ux_err(i64 r)
{ switch (-r) { case 2: return ERROR_FILE_NOT_FOUND; case 39: return ERROR_DIR_NOT_EMPTY; case 17: return ERROR_ALREADY_EXISTS; case 18: return ERROR_NOT_SAME_DEVICE; default: return ERROR_ACCESS_DENIED; } }
/* would Wine itself let the file go? (no: running program, mapped image, read-only, directory not empty) */
static DWORD deletable(HANDLE h)
{ IO_STATUS_BLOCK io; FILE_DISPOSITION_INFO d = { TRUE }; NTSTATUS s = o_setinfo(h, &io, &d, sizeof d, 13);
  if (s) return p_dos_err(s);
  d.DeleteFile = FALSE; o_setinfo(h, &io, &d, sizeof d, 13); return 0; }
static DWORD posix_unlink(HANDLE h, BOOL dir, BOOL ignore_ro)
{ char p[4096]; i64 r; DWORD e = ignore_ro ? 0 : deletable(h); if (e) return e;
  if (!unix_path(h, p, sizeof p)) return ERROR_INVALID_HANDLE;
  r = sys3(dir ? SYS_rmdir : SYS_unlink, (i64)p, 0, 0); return r ? ux_err(r) : 0; }
static BOOL fail(DWORD e) { if (!e) return TRUE; SetLastError(e); return FALSE; }

/* the numbers that name an entry of DIR, each to `each`, until it answers TRUE */
static BOOL each_number(const char *dir, BOOL (*each)(const char *path, void *x), void *x)
{
    char buf[8192], path[64]; BOOL found = FALSE; i64 n, fd = sys3(SYS_open, (i64)dir, 0200000 | 02000000 /* O_DIRECTORY | O_CLOEXEC */, 0);
    if (fd < 0) return FALSE;
    while (!found && (n = sys3(SYS_getdents, fd, (i64)buf, sizeof buf)) > 0)
        for (char *at = buf; !found && at < buf + n; at += *(unsigned short *)(at + 16)) {
            const char *name = at + 19;
            if (name[0] < '0' || name[0] > '9' || strlen(dir) + strlen(name) + 2 > sizeof path) continue;
            strcpy(path, dir); strcat(path, "/"); strcat(path, name);
            found = each(path, x);
        }
    sys3(SYS_close, fd, 0, 0);
    return found;
}
static BOOL is_below(const char *fd, void *dir)
{ char to[4096]; size_t n = strlen(dir); i64 r = sys3(SYS_readlink, (i64)fd, (i64)to, sizeof to - 1);
  if (r <= (i64)n) return FALSE;
  to[r] = 0;
  return !memcmp(to, dir, n) && to[n] == '/' && (r < 10 || strcmp(to + r - 10, " (deleted)")); }
static BOOL has_below(const char *process, void *dir)
{ char path[64], exe[4096]; i64 r;
  strcpy(path, process); strcat(path, "/exe");
  r = sys3(SYS_readlink, (i64)path, (i64)exe, sizeof exe - 1);
  if (r <= 0) return FALSE;
  exe[r] = 0;
  if (!strstr(exe, "/wineserver")) return FALSE;
  strcpy(path, process); strcat(path, "/fd");
  return each_number(path, is_below, dir); }
/* has any program of Wine a file open below this directory? The wineserver has every handle's */
static BOOL open_below(char *dir) { return each_number("/proc", has_below, dir); }
static BOOL stays(HANDLE h)
{ BY_HANDLE_FILE_INFORMATION bi; char dir[4096];
  return GetFileInformationByHandle(h, &bi) && (bi.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) && unix_path(h, dir, sizeof dir) && open_below(dir); }

typedef struct { union { BOOLEAN Replace; DWORD Flags; }; HANDLE Root; DWORD Len; WCHAR Name[1]; } ren_t;
static BOOL posix_rename(HANDLE h, ren_t *ri)
{
    WCHAR *name; char src[4096], *dst; HANDLE t; DWORD at; i64 r;
    if (!(granted(h) & DELETE)) return fail(ERROR_ACCESS_DENIED);
    if (!(name = calloc(1, ri->Len + 2))) return fail(ERROR_OUTOFMEMORY);
    memcpy(name, ri->Name, ri->Len);
    at = GetFileAttributesW(name);
    if (at != INVALID_FILE_ATTRIBUTES) {
        DWORD e = 0;
        if (!(ri->Flags & 1)) e = ERROR_ALREADY_EXISTS;
        else if ((at & FILE_ATTRIBUTE_READONLY) && !(ri->Flags & 0x40)) e = ERROR_ACCESS_DENIED;
        else { /* somebody has it open without FILE_SHARE_DELETE? */
            t = CreateFileW(name, DELETE, 7, NULL, OPEN_EXISTING, FILE_FLAG_OPEN_REPARSE_POINT | FILE_FLAG_BACKUP_SEMANTICS, NULL);
            if (t == INVALID_HANDLE_VALUE) e = ERROR_ACCESS_DENIED;
            else { if (!(at & FILE_ATTRIBUTE_READONLY) && (e = deletable(t)) && e != ERROR_DIR_NOT_EMPTY) e = ERROR_ACCESS_DENIED; CloseHandle(t); } }
        if (e) { free(name); return fail(e); }
    }
    dst = p_unixname(name); free(name);
    if (!dst || !unix_path(h, src, sizeof src)) return fail(ERROR_PATH_NOT_FOUND);
    if (stays(h)) { HeapFree(GetProcessHeap(), 0, dst); return fail(ERROR_ACCESS_DENIED); }
    r = sys3(SYS_rename, (i64)src, (i64)dst, 0);
    HeapFree(GetProcessHeap(), 0, dst);
    return fail(r ? ux_err(r) : 0);
}
static BOOL WINAPI h_sfibh(HANDLE h, int cls, void *p, DWORD n)
{
    IO_STATUS_BLOCK io; NTSTATUS s; int nt;
    switch (cls) {
    case 0: nt = 4; break;  case 4: nt = 13; break; case 5: nt = 19; break; case 6: nt = 20; break; case 12: nt = 43; break;
    case 3: { /* FileRenameInfo: Win32 name -> NT name, as kernelbase does */
        ren_t *in = p, *out; UNICODE_STRING us; WCHAR *w = calloc(1, in->Len + 2);
        memcpy(w, in->Name, in->Len);
        if (!p_dos2nt(w, &us, NULL, NULL)) { free(w); return fail(ERROR_PATH_NOT_FOUND); }
        out = calloc(1, sizeof *out + us.Length); out->Replace = in->Replace; out->Root = in->Root; out->Len = us.Length; memcpy(out->Name, us.Buffer, us.Length);
        s = stays(h) ? S_ACCESS_DENIED : o_setinfo(h, &io, out, sizeof *out + us.Length, 10);
        RtlFreeUnicodeString(&us); free(w); free(out);
        return fail(s ? p_dos_err(s) : 0); }
    case 21: { DWORD fl = *(DWORD *)p; BY_HANDLE_FILE_INFORMATION bi;
        if (!(fl & 2)) { FILE_DISPOSITION_INFO d = { (fl & 1) != 0 }; s = o_setinfo(h, &io, &d, sizeof d, 13); return fail(s ? p_dos_err(s) : 0); }
        if (!(granted(h) & DELETE)) return fail(ERROR_ACCESS_DENIED);
        if (!GetFileInformationByHandle(h, &bi)) return FALSE;
        if ((bi.dwFileAttributes & FILE_ATTRIBUTE_READONLY) && !(fl & 0x10)) return fail(ERROR_ACCESS_DENIED);
        return fail(posix_unlink(h, (bi.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0, (bi.dwFileAttributes & FILE_ATTRIBUTE_READONLY) != 0)); }
    case 22: if (((DWORD *)p)[0] & 2) return posix_rename(h, p);
        return h_sfibh(h, 3, p, n);
    default: return fail(ERROR_INVALID_PARAMETER);
    }
    if (nt == 20 && !(granted(h) & FILE_WRITE_DATA)) return fail(ERROR_ACCESS_DENIED);
    s = o_setinfo(h, &io, p, n, nt);
    return fail(s ? p_dos_err(s) : 0);
}
static BOOL WINAPI h_delete(const WCHAR *path)
{
    DWORD at = GetFileAttributesW(path), e; HANDLE h;
    if (at != INVALID_FILE_ATTRIBUTES && (at & (FILE_ATTRIBUTE_READONLY | FILE_ATTRIBUTE_DIRECTORY)) && !(at & FILE_ATTRIBUTE_REPARSE_POINT)) return fail(ERROR_ACCESS_DENIED);
    h = CreateFileW(path, DELETE, 7, NULL, OPEN_EXISTING, FILE_FLAG_OPEN_REPARSE_POINT | FILE_FLAG_BACKUP_SEMANTICS, NULL);
    if (h == INVALID_HANDLE_VALUE) return FALSE;
    e = posix_unlink(h, FALSE, FALSE); CloseHandle(h);
    return fail(e);
}
static DWORD WINAPI h_final(HANDLE h, WCHAR *out, DWORD n, DWORD flags)
{   /* only the form that std asks for: DOS drive, normalized */
    struct { UNICODE_STRING name; WCHAR room[33000]; } *o; ULONG got; NTSTATUS s; DWORD len = 0;
    if (flags) { fail(ERROR_NOT_SUPPORTED); return 0; }
    if (!(o = malloc(sizeof *o))) { fail(ERROR_OUTOFMEMORY); return 0; }
    s = p_queryobj(h, 1 /* ObjectNameInformation */, o, sizeof *o, &got);
    if (s) fail(p_dos_err(s));
    else if (o->name.Length < 8 || memcmp(o->name.Buffer, L"\\??\\", 8)) fail(ERROR_NOT_SUPPORTED);
    else {
        len = o->name.Length / sizeof(WCHAR);
        if (len < n) { memcpy(out, o->name.Buffer, len * sizeof(WCHAR)); out[1] = '\\'; out[len] = 0; }
        else len++;
    }
    free(o);
    return len;
}
static NTSTATUS NTAPI h_setinfo(HANDLE h, PIO_STATUS_BLOCK io, void *p, ULONG n, int cls)
{ if (cls == 20 && !(granted(h) & FILE_WRITE_DATA)) return S_ACCESS_DENIED;
  if ((cls == 10 || cls == 65) && stays(h)) return S_ACCESS_DENIED; /* a rename, by MoveFileEx too */
  return o_setinfo(h, io, p, n, cls); }

static void jump_to(BYTE *at, void *to)
{ DWORD old; BYTE j[14] = { 0xff, 0x25, 0, 0, 0, 0 }; memcpy(j + 6, &to, 8);
  VirtualProtect(at, 32, PAGE_EXECUTE_READWRITE, &old); memcpy(at, j, 14); VirtualProtect(at, 32, old, &old); FlushInstructionCache(GetCurrentProcess(), at, 32); }
static BYTE *pool;
static BOOL hook_nt(HMODULE m, const char *name, void *to, void *orig)
{   /* Wine's Nt* thunks are 32 position-independent bytes: mov r10,rcx; mov eax,N; ... */
    BYTE *f = (BYTE *)GetProcAddress(m, name);
    if (!f || f[0] != 0x4c || f[1] != 0x8b || f[2] != 0xd1 || f[3] != 0xb8) return FALSE;
    memcpy(pool, f, 32); *(void **)orig = pool; pool += 32; jump_to(f, to); return TRUE;
}
static void die(const char *m) { DWORD n; WriteFile(GetStdHandle(STD_ERROR_HANDLE), m, strlen(m), &n, NULL); ExitProcess(97); }
BOOL WINAPI DllMain(HINSTANCE inst, DWORD why, void *r)
{
    char v[4]; HMODULE nt, k32, kb;
    if (why != DLL_PROCESS_ATTACH || !GetEnvironmentVariableA("WINE_STRICT", v, sizeof v) || v[0] != '1') return TRUE;
    nt = GetModuleHandleA("ntdll"); k32 = GetModuleHandleA("kernel32"); kb = GetModuleHandleA("kernelbase");
    if (!GetProcAddress(nt, "wine_get_version")) return TRUE; /* real Windows: leave it alone */
    p_queryobj = (void *)GetProcAddress(nt, "NtQueryObject"); p_queryfile = (void *)GetProcAddress(nt, "NtQueryInformationFile");
    p_compare = (void *)GetProcAddress(nt, "NtCompareObjects"); p_h2fd = (void *)GetProcAddress(nt, "wine_server_handle_to_fd");
    p_dos2nt = (void *)GetProcAddress(nt, "RtlDosPathNameToNtPathName_U"); p_dos_err = (void *)GetProcAddress(nt, "RtlNtStatusToDosError");
    p_unixname = (void *)GetProcAddress(k32, "wine_get_unix_file_name");
    pool = VirtualAlloc(NULL, 4096, MEM_COMMIT | MEM_RESERVE, PAGE_EXECUTE_READWRITE);
    if (!p_queryobj || !p_queryfile || !p_h2fd || !p_unixname || !pool || !kb) die("WINE_STRICT: this Wine lacks what the shim needs\n");
    if (!hook_nt(nt, "NtLockFile", h_lock, &o_lock) || !hook_nt(nt, "NtUnlockFile", h_unlock, &o_unlock) || !hook_nt(nt, "NtReadFile", h_read, &o_read)
        || !hook_nt(nt, "NtWriteFile", h_write, &o_write) || !hook_nt(nt, "NtQueryInformationFile", h_query, &o_query) || !hook_nt(nt, "NtClose", h_close, &o_close) || !hook_nt(nt, "NtSetInformationFile", h_setinfo, &o_setinfo))
        die("WINE_STRICT: unexpected ntdll thunk, cannot patch\n");
    jump_to((BYTE *)GetProcAddress(kb, "SetFileInformationByHandle"), h_sfibh);
    jump_to((BYTE *)GetProcAddress(kb, "DeleteFileW"), h_delete);
    jump_to((BYTE *)GetProcAddress(kb, "GetFinalPathNameByHandleW"), h_final);
    return TRUE;
}
