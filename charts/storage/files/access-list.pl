# Gives a file a POSIX access list with an entry for one more group, and reads it back. The image has no setfacl; this is the
# system call behind it. Layout: linux/posix_acl_xattr.h; numbers: asm/unistd.h.
use strict;
use warnings;

my $file = $ARGV[0];
my $name = "system.posix_acl_access";
my ($machine) = (`uname -m` =~ /(\w+)/);
my %calls = (x86_64 => [188, 191], aarch64 => [5, 8]);    # setxattr, getxattr
my $call = $calls{$machine} or die "not known how to ask on a machine of kind $machine\n";

# Version 2; owner rw-, group r--, group 2000 r-x, mask r-x, others none.
my $list = pack("V (vvV)*", 2, 1, 6, 0xffffffff, 4, 4, 0xffffffff, 8, 5, 2000, 0x10, 5, 0xffffffff, 0x20, 0, 0xffffffff);
syscall($call->[0], $file, $name, $list, length $list, 0) == 0 or die "$!\n";
my $back = "\0" x 256;
my $length = syscall($call->[1], $file, $name, $back, length $back);
$length == length $list and substr($back, 0, $length) eq $list or die "it does not keep them\n";
