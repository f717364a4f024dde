package dotnet_test

import (
	"bytes"
	"fmt"
	"log"
	"os"

	"github.com/breezeway-ipc/breezeway/dotnet"
	"github.com/breezeway-ipc/breezeway/mmap"
)

// What a C# program writes with a BinaryWriter, on a pipe, say.
func ExampleNewBinaryReader() {
	from := bytes.NewReader([]byte("\x24\x00\x00\x00\x09Breezeway"))
	var n int32
	var s string
	err := dotnet.NewBinaryReader(from).Read(&n, &s)
	fmt.Println(n, s, err)
	// Output: 36 Breezeway <nil>
}

// In C#: new BinaryReader(file.CreateViewStream()), and then ReadInt32 and
// ReadString, where file is a MemoryMappedFile.
func ExampleNewBinaryWriter() {
	f, err := os.CreateTemp("", "readings")
	if err != nil {
		log.Fatal(err)
	}
	defer os.Remove(f.Name())
	defer f.Close()
	m, err := mmap.Map(f, &mmap.Config{Capacity: 4096})
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	if err := dotnet.NewBinaryWriter(mmap.NewStream(m)).Write(int32(36), "Breezeway"); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%q\n", m.Bytes()[:14])
	// Output: "$\x00\x00\x00\tBreezeway"
}
