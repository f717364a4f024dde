// Package sys makes the raw system calls that the mechanisms need, one file per
// call and system. It decides nothing: policy, such as when to try again, is its
// callers'. What a system lacks fails with an error that wraps
// [errors.ErrUnsupported].
package sys
