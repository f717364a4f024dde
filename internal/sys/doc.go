// Package sys holds the raw system calls that the mechanisms stand on, one
// file per call and system. It decides nothing: policy is its callers'.
package sys
