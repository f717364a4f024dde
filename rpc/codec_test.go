package rpc

import (
	"bytes"
	"encoding/json"
	"testing"
)

// What decode takes for a message of this package means the same to encoding/json.
func FuzzDecode(f *testing.F) {
	for _, message := range []string{
		`{"jsonrpc":"2.0","id":1,"result":[1,2]}`,
		`{"jsonrpc":"2.0","id":1,"result":}`,
		`{"jsonrpc":"2.0","id":1,"result":1,"result":2}`,
		`{"jsonrpc":"2.0","id":1,"result":1}}`,
		`{"jsonrpc":"2.0","id":1,"result": {"a":"}"} }`,
		`{"jsonrpc":"2.0","id":01,"result":1}`,
		`{"jsonrpc":"2.0","id":7,"method":"Calc.Add","params":[1,2]}`,
		`{"jsonrpc":"2.0","id":7,"method":"Calc.Add","params":[1,2],"id":8}`,
		`{"jsonrpc":"2.0","id":7,"method":"a\u0062","params":null}`,
		`{"jsonrpc":"2.0","id":7,"method":"a","x":"","params":null}`,
		`{"jsonrpc":"2.0","id":7,"method":"a","params":{"method":"b","params":[]}}`,
		`{"jsonrpc":"2.0","id":7,"method":"a","params": [1] }`,
	} {
		f.Add([]byte(message))
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		var answer, wantAnswer answerMessage
		if err, want := answer.decode(message), json.Unmarshal(message, &wantAnswer); (err == nil) != (want == nil) {
			t.Fatalf("%v, want %v", err, want)
		} else if err == nil && (!bytes.Equal(answer.ID, wantAnswer.ID) || !bytes.Equal(answer.Result, wantAnswer.Result)) {
			t.Errorf("%v, want %v", answer, wantAnswer)
		}
		var request, wantRequest incomingMessage
		if err, want := request.decode(message), json.Unmarshal(message, &wantRequest); (err == nil) != (want == nil) {
			t.Fatalf("%v, want %v", err, want)
		} else if err == nil && (request.Version != wantRequest.Version || request.Method != wantRequest.Method ||
			!bytes.Equal(request.ID, wantRequest.ID) || !bytes.Equal(request.Params, wantRequest.Params)) {
			t.Errorf("%v, want %v", request, wantRequest)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	message := []byte(`{"jsonrpc":"2.0","id":123,"result":4567}`)
	b.Run("ours", func(b *testing.B) {
		for b.Loop() {
			var m answerMessage
			m.decode(message)
		}
	})
	b.Run("encoding/json", func(b *testing.B) {
		for b.Loop() {
			var m answerMessage
			json.Unmarshal(message, &m)
		}
	})
}
