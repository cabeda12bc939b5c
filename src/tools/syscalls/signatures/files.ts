/** Calls by path: files, directories, filesystems. As signatures.ts says. */
export const FILES = `
open path open mode
openat at path open mode
openat2 at path ptr size
creat path mode
stat path stat>
lstat path stat>
newfstatat at path stat> at_flags
statx at path statx_flags statx_mask statx>
access path access
faccessat at path access
faccessat2 at path access eaccess
truncate path off
getcwd buffer=1> size
chdir path
rename path path
renameat at path at path
renameat2 at path at path rename
mkdir path mode
mkdirat at path mode
rmdir path
link path path
linkat at path at path at_flags
unlink path
unlinkat at path at_flags
symlink path path
symlinkat path at path
readlink path buffer=2> size
readlinkat at path buffer=3> size
chmod path mode
fchmodat at path mode
chown path int int
lchown path int int
fchownat at path int int at_flags
statfs path ptr
utimensat at path timespecs at_flags
mount path path text mount ptr
umount2 path umount
chroot path
pivot_root path path
getxattr path text ptr size
setxattr path text ptr size int
inotify_add_watch fd path hex
listxattr path ptr size
lgetxattr path text ptr size
mknod path node hex
mknodat at path node hex
fchmodat2 at path mode at_flags
utime path ptr
utimes path ptr
futimesat at path ptr
lsetxattr path text ptr size int
llistxattr path ptr size
removexattr path text
lremovexattr path text
swapon path hex
swapoff path
acct path
open_tree at path hex
move_mount at path at path hex
fspick at path hex
name_to_handle_at at path ptr ptr hex
fanotify_mark fd hex hex at path
quotactl hex text int ptr
fsconfig fd uint text ptr int
mount_setattr at path hex ptr size`;
