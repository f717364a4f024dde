// Package dotnet reads and writes .NET's own binary form, that of
// System.IO.BinaryWriter and System.IO.BinaryReader, so that a C# program on the
// other side of a pipe or of shared memory needs no code of ours.
//
//	err := dotnet.NewBinaryWriter(conn).Write(int32(36), "Breezeway")
//
// and in C#
//
//	var reader = new BinaryReader(stream);
//	int n = reader.ReadInt32();
//	string s = reader.ReadString();
//
// # When to use it
//
// Use it where the other side is a .NET program that has a BinaryReader or a
// BinaryWriter: on a named pipe's stream, on the view stream of a
// MemoryMappedFile, in a file. Any [io.Writer] and [io.Reader] will do, such as a
// connection of package pipe or an mmap.Stream.
//
// Don't use it between Go programs, where encoding/binary, encoding/gob or JSON
// serve better; nor for structs that lie in shared memory and that C# reads with
// MemoryMappedViewAccessor.Read: these are mmap.Read and mmap.Write.
//
// # Caveats
//
//   - The form does not say which types follow each other: both sides must agree on
//     it. What is read as something else is a wrong value, not an error.
//   - The types decimal and char of .NET are not supported. A decimal can be read as
//     16 bytes, and a char as the UTF-8 bytes that it is written as.
//   - Strings are UTF-8, .NET's default; text that is not, such as that of a
//     BinaryWriter that was made with another Encoding, is an error.
//   - Nothing is buffered: each value is one Write to the writer below. Put a
//     [bufio.Writer] between where that matters, and flush it.
package dotnet
