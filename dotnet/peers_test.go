//go:build linux || windows

package dotnet

import (
	"io"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

func TestDotNet(t *testing.T) {
	ipctest.TestCSharp(t, "testdata/peer.cs", ipctest.PeerTest{Name: "both ways", Run: testBothWays})
}

func testBothWays(t *testing.T, program ipctest.Program) {
	p := ipctest.StartCommand(t, program())
	f, err := os.CreateTemp(t.TempDir(), "values")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p.Say("write " + f.Name())
	p.Expect("written")
	readValues(t, f)

	if _, err := f.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	if err := NewBinaryWriter(f).Write(true, int8(-1), uint8(2), int16(-3), uint16(4), int32(-5), uint32(6), int64(-7), uint64(8),
		float32(1.5), math.Pi, "", "text", strings.Repeat("é", 200)); err != nil {
		t.Fatal(err)
	}
	p.Say("read " + f.Name())
	p.Expect("True -1 2 -3 4 -5 6 -7 8 True True 0 text 200")
}

// readValues reads what the C# program's "write" wrote.
func readValues(t *testing.T, from io.Reader) {
	t.Helper()
	var (
		yes                bool
		i8                 int8
		u8                 uint8
		i16                int16
		u16                uint16
		i32                int32
		u32                uint32
		i64                int64
		u64                uint64
		f32                float32
		f64                float64
		empty, short, long string
	)
	if err := NewBinaryReader(from).Read(&yes, &i8, &u8, &i16, &u16, &i32, &u32, &i64, &u64, &f32, &f64, &empty, &short, &long); err != nil {
		t.Fatal(err)
	}
	if !yes || i8 != -1 || u8 != 2 || i16 != -3 || u16 != 4 || i32 != -5 || u32 != 6 || i64 != -7 || u64 != 8 ||
		f32 != 1.5 || f64 != math.Pi || empty != "" || short != "text" || long != strings.Repeat("é", 200) {
		t.Error(yes, i8, u8, i16, u16, i32, u32, i64, u64, f32, f64, empty, short, long)
	}
}
