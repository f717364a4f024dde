package shmnet

import "testing"

// BenchmarkAlone has one goroutine write 64 bytes and read them: what the calls take
// without another processor, and without waiting.
func BenchmarkAlone(b *testing.B) {
	client, server, err := connected(nil, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	defer server.Close()
	message := make([]byte, 64)
	for b.Loop() {
		if _, err := client.Write(message); err != nil {
			b.Fatal(err)
		}
		if _, err := server.Read(message); err != nil {
			b.Fatal(err)
		}
	}
}
