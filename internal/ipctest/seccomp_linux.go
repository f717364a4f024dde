package ipctest

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// denial is a system call that fails with errno: every one, or if values is not nil those
// with one of the values, or if bits is not 0 those with one of the bits, in an argument.
type denial struct {
	call   uintptr
	errno  unix.Errno
	arg    int
	values []uint32
	bits   uint32
}

// filters are what kernels and sandboxes lack, each as it fails there.
var filters = map[string][]denial{
	"futex_waitv":  {{call: unix.SYS_FUTEX_WAITV, errno: unix.ENOSYS}},
	"membarrier":   {{call: unix.SYS_MEMBARRIER, errno: unix.ENOSYS}},
	"memfd_create": {{call: unix.SYS_MEMFD_CREATE, errno: unix.ENOSYS}},
	"memfd noexec": {{call: unix.SYS_MEMFD_CREATE, errno: unix.EINVAL, arg: 1, bits: unix.MFD_NOEXEC_SEAL}},
	"seals":        {{call: unix.SYS_FCNTL, errno: unix.EINVAL, arg: 1, values: []uint32{unix.F_ADD_SEALS, unix.F_GET_SEALS}}},
	"O_TMPFILE":    {{call: unix.SYS_OPENAT, errno: unix.EOPNOTSUPP, arg: 2, bits: unix.O_TMPFILE &^ unix.O_DIRECTORY}},
	// A kernel that doesn't know the flag opens the directory.
	"O_TMPFILE flag": {{call: unix.SYS_OPENAT, errno: unix.EISDIR, arg: 2, bits: unix.O_TMPFILE &^ unix.O_DIRECTORY}},
	"AT_EMPTY_PATH":  {{call: unix.SYS_LINKAT, errno: unix.ENOENT, arg: 4, bits: unix.AT_EMPTY_PATH}},
	"renameat2":      {{call: unix.SYS_RENAMEAT2, errno: unix.ENOSYS}},
	"OFD locks": {{call: unix.SYS_FCNTL, errno: unix.EINVAL, arg: 1,
		values: []uint32{unix.F_OFD_GETLK, unix.F_OFD_SETLK, unix.F_OFD_SETLKW}}},
	"inotify":     {{call: unix.SYS_INOTIFY_INIT1, errno: unix.ENOSYS}},
	"fallocate":   {{call: unix.SYS_FALLOCATE, errno: unix.EOPNOTSUPP}},
	"populate":    {{call: unix.SYS_MADVISE, errno: unix.EINVAL, arg: 2, values: []uint32{unix.MADV_POPULATE_READ}}},
	"statx":       {{call: unix.SYS_STATX, errno: unix.ENOSYS}},
	"close_range": {{call: unix.SYS_CLOSE_RANGE, errno: unix.ENOSYS}},
	"pidfd": {
		{call: unix.SYS_PIDFD_OPEN, errno: unix.ENOSYS},
		{call: unix.SYS_PIDFD_SEND_SIGNAL, errno: unix.ENOSYS},
	},
	"netlink":    {{call: unix.SYS_SOCKET, errno: unix.EAFNOSUPPORT, arg: 0, values: []uint32{unix.AF_NETLINK}}},
	"peergroups": {{call: unix.SYS_GETSOCKOPT, errno: unix.ENOPROTOOPT, arg: 2, values: []uint32{unix.SO_PEERGROUPS}}},
	"xattr": {
		{call: unix.SYS_SETXATTR, errno: unix.EOPNOTSUPP}, {call: unix.SYS_GETXATTR, errno: unix.EOPNOTSUPP},
		{call: unix.SYS_LSETXATTR, errno: unix.EOPNOTSUPP}, {call: unix.SYS_LGETXATTR, errno: unix.EOPNOTSUPP},
		{call: unix.SYS_FSETXATTR, errno: unix.EOPNOTSUPP}, {call: unix.SYS_FGETXATTR, errno: unix.EOPNOTSUPP},
	},
}

// architectures are those whose filters can be made here, by the name of the kernel for
// them: little-endian, 64 bits.
var architectures = map[string]uint32{
	"amd64": unix.AUDIT_ARCH_X86_64,
	"arm64": unix.AUDIT_ARCH_AARCH64,
}

// deny makes the calls fail for the calling thread from now on, and for what it starts
// and becomes.
func deny(calls []denial) error {
	arch, ok := architectures[runtime.GOARCH]
	if !ok {
		return fmt.Errorf("there is no seccomp filter for %s", runtime.GOARCH)
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return os.NewSyscallError("prctl PR_SET_NO_NEW_PRIVS", err)
	}
	program := filter(arch, calls)
	of := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(&of)))
	runtime.KeepAlive(program)
	if errno != 0 {
		return os.NewSyscallError("seccomp", errno)
	}
	return nil
}

// filter returns the program for struct seccomp_data: the call's number at 0, its
// architecture at 4, and from 16 on its arguments of 8 bytes each.
func filter(arch uint32, calls []denial) []unix.SockFilter {
	const number, architecture, arguments = 0, 4, 16
	load := func(at int) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: uint32(at)}
	}
	skipUnless := func(test uint16, k uint32, n int) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | test | unix.BPF_K, Jf: uint8(n), K: k}
	}
	end := func(k uint32) unix.SockFilter { return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: k} }

	program := []unix.SockFilter{
		load(architecture),
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jt: 1, K: arch},
		end(unix.SECCOMP_RET_ALLOW),
	}
	for _, c := range calls {
		fails := end(unix.SECCOMP_RET_ERRNO | uint32(c.errno))
		tests := []unix.SockFilter{}
		for _, v := range c.values {
			tests = append(tests, skipUnless(unix.BPF_JEQ, v, 1), fails)
		}
		if c.bits != 0 {
			tests = append(tests, skipUnless(unix.BPF_JSET, c.bits, 1), fails)
		}
		if len(tests) == 0 {
			tests = append(tests, fails)
		} else {
			tests = append([]unix.SockFilter{load(arguments + 8*c.arg)}, tests...)
		}
		program = append(program, load(number), skipUnless(unix.BPF_JEQ, uint32(c.call&math.MaxUint32), len(tests)))
		program = append(program, tests...)
	}
	return append(program, end(unix.SECCOMP_RET_ALLOW))
}
