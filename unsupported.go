//go:build (!unix && !windows) || aix

package breezeway

// Systems without processes that could be reached, such as js/wasm, and AIX, which has no
// flock(2), are refused here: this is the one error that the compiler has for them, since
// everything else imports this package.
const _ = breezeway_does_not_support_this_system
