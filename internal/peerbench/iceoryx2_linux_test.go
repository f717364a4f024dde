package peerbench

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/bench"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// iceoryx2 returns the pair that is iceoryx2's publish and subscribe between Rust programs,
// by polling or with events. They are built once, in the user's cache.
func iceoryx2(t testing.TB) pair {
	t.Helper()
	const advice = "for iceoryx2 install cargo of Rust 1.83 or later, and run: cargo fetch --manifest-path internal/peerbench/testdata/iceoryx2/Cargo.toml"
	cache, err := os.UserCacheDir()
	orSkip(t, nil, err, advice)
	target := filepath.Join(cache, "breezeway-peerbench", "iceoryx2")
	build := exec.Command(tool(t, "cargo", advice), "build", "--release", "--offline", "--locked", "--quiet", "--target-dir", target)
	build.Dir = "testdata/iceoryx2"
	out, err := build.CombinedOutput()
	orSkip(t, out, err, advice)
	p := func(args ...string) *exec.Cmd {
		return exec.Command(filepath.Join(target, "release", "iceoryx2-pair"), args...)
	}
	return func(t testing.TB, what traffic) bench.Contender {
		t.Helper()
		return two(t, "iceoryx2", p, what, ipctest.UniqueName())
	}
}

func TestIceoryx2(t *testing.T) { works(t, iceoryx2(t), every...) }

func BenchmarkIceoryx2(b *testing.B) { versus(b, ourRing, iceoryx2(b), every...) }
