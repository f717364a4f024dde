package peerbench

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/bench"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// aeronVersion is that of the package aeron-all.
const aeronVersion = "1.51.0"

// aeron returns the pair that is Aeron's IPC between Java programs, spinning or with its
// back-off, which sleeps for up to 1 ms.
func aeron(t testing.TB) pair {
	t.Helper()
	const advice = "for Aeron install a JDK of version 17 or later and Maven, and run: mvn dependency:get -Dartifact=io.aeron:aeron-all:" + aeronVersion
	home, err := os.UserHomeDir()
	orSkip(t, nil, err, advice)
	jar := filepath.Join(home, ".m2/repository/io/aeron/aeron-all", aeronVersion, "aeron-all-"+aeronVersion+".jar")
	_, err = os.Stat(jar)
	orSkip(t, nil, err, advice)
	classes := t.TempDir()
	out, err := exec.Command(tool(t, "javac", advice), "-cp", jar, "-d", classes, "testdata/AeronPair.java").CombinedOutput()
	orSkip(t, out, err, advice)
	java := tool(t, "java", advice)
	p := func(args ...string) *exec.Cmd {
		return exec.Command(java, append([]string{"--add-opens", "java.base/jdk.internal.misc=ALL-UNNAMED",
			"-XX:ActiveProcessorCount=2", "-Dagrona.disable.bounds.checks=true", "-cp", jar + ":" + classes, "AeronPair"}, args...)...)
	}
	return func(t testing.TB, what traffic) bench.Contender {
		t.Helper()
		c := two(t, "Aeron", p, what, filepath.Join("/dev/shm", ipctest.UniqueName()))
		if err := warm(c); err != nil {
			t.Fatal(err)
		}
		return c
	}
}

// warm runs the contender until its compiler has seen enough.
func warm(c bench.Contender) error {
	const long = 2 * time.Second
	for end := time.Now().Add(long); time.Now().Before(end); {
		if err := c.Run(100); err != nil {
			return errors.Join(errors.New("warming up"), err)
		}
	}
	return nil
}

func TestAeron(t *testing.T) { works(t, aeron(t), every...) }

func BenchmarkAeron(b *testing.B) { versus(b, ourRing, aeron(b), every...) }
