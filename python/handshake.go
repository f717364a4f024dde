package python

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
)

// The handshake of multiprocessing.connection, as Python 3.12 describes it in its source.
// Each side sends the other a challenge, which the other answers with a MAC of it; the
// listener first. The challenge of 3.12 and later begins with {DIGEST}, and so does the
// answer to that. What has 20 bytes is a challenge, and what has 16 an answer, of 3.11 and
// older, which is a bare HMAC-MD5. These take a longer challenge for one of theirs.
const (
	challenge = "#CHALLENGE#"
	welcome   = "#WELCOME#"
	failure   = "#FAILURE#"

	mostOfHandshake = 256 // bytes of each message
	oldChallenge    = 20  // bytes after #CHALLENGE#
	ourChallenge    = 40  // random bytes after the digest's name
	ourDigest       = "sha256"
)

// digests are those that Python allows.
var digests = map[string]func() hash.Hash{
	"md5":      md5.New,
	"sha256":   sha256.New,
	"sha384":   sha512.New384,
	"sha3_256": func() hash.Hash { return sha3.New256() },
	"sha3_384": func() hash.Hash { return sha3.New384() },
}

// errWrongKey is what both sides learn.
var errWrongKey = fmt.Errorf("the other side has another authkey (%w)", os.ErrPermission)

// deliverChallenge has the other side show that it has the key.
func deliverChallenge(m messenger, key []byte) error {
	text := make([]byte, ourChallenge)
	rand.Read(text)
	text = append([]byte("{"+ourDigest+"}"), text...)
	if err := m.send(append([]byte(challenge), text...)); err != nil {
		return inHandshake(err)
	}
	answer, err := m.receive(nil)
	if err != nil {
		return inHandshake(err)
	}
	if err := verify(key, text, answer); err != nil {
		m.send([]byte(failure)) // the connection is closed next
		return err
	}
	return inHandshake(m.send([]byte(welcome)))
}

// answerChallenge shows the other side that we have the key.
func answerChallenge(m messenger, key []byte) error {
	got, err := m.receive(nil)
	if err != nil {
		return inHandshake(err)
	}
	text, ok := bytes.CutPrefix(got, []byte(challenge))
	if !ok || len(text) < oldChallenge {
		return fmt.Errorf("the other side sends no challenge, perhaps since it has no authkey (%w)", breezeway.ErrMismatch)
	}
	answer, err := answerTo(key, text)
	if err != nil {
		return err
	}
	if err := m.send(answer); err != nil {
		return inHandshake(err)
	}
	got, err = m.receive(nil)
	switch {
	case err != nil:
		return inHandshake(err)
	case string(got) == failure:
		return errWrongKey
	case string(got) != welcome:
		return fmt.Errorf("the other side neither welcomes nor refuses (%w)", breezeway.ErrMismatch)
	}
	return nil
}

// isChallenge reports whether a message begins a handshake, of Python or of this package.
func isChallenge(message []byte) bool {
	text, ok := bytes.CutPrefix(message, []byte(challenge))
	if !ok {
		return false
	}
	_, random, err := digestOf(text, oldChallenge)
	return err == nil && (len(random) == oldChallenge || len(random) == ourChallenge)
}

// errChallenged is what a side without a key learns of one that has one.
var errChallenged = fail.Errorf("the other side asks for an authkey: set %s to its own (%w)", fail.Go("Config.AuthKey"), breezeway.ErrMismatch)

// answerTo returns the answer to a challenge, in its form.
func answerTo(key, text []byte) ([]byte, error) {
	name, _, err := digestOf(text, oldChallenge)
	if err != nil {
		return nil, err
	}
	if name == "" {
		return mac(md5.New, key, text), nil
	}
	return append([]byte("{"+name+"}"), mac(digests[name], key, text)...), nil
}

// verify reports whether answer is that to the challenge text.
func verify(key, text, answer []byte) error {
	name, sum, err := digestOf(answer, md5.Size)
	if err != nil {
		return err
	}
	if name == "" {
		name = "md5"
	}
	if !hmac.Equal(sum, mac(digests[name], key, text)) {
		return errWrongKey
	}
	return nil
}

// digestOf takes {DIGEST} off a challenge or an answer. The name is empty if it is as many
// bytes as one of the old form has.
func digestOf(b []byte, old int) (name string, rest []byte, err error) {
	if len(b) == old {
		return "", b, nil
	}
	if end := bytes.IndexByte(b, '}'); len(b) > 0 && b[0] == '{' && end > 0 && digests[string(b[1:end])] != nil {
		return string(b[1:end]), b[end+1:], nil
	}
	return "", nil, fmt.Errorf("the handshake names no digest that is known: md5, sha256, sha384, sha3_256, sha3_384 (%w)", breezeway.ErrMismatch)
}

func mac(h func() hash.Hash, key, text []byte) []byte {
	m := hmac.New(h, key)
	m.Write(text)
	return m.Sum(nil)
}

// inHandshake says where the other side has closed, or sent something else.
func inHandshake(err error) error {
	switch {
	case err == nil:
		return nil
	case err == io.EOF, err == io.ErrUnexpectedEOF:
		return fmt.Errorf("the other side closed in the handshake, perhaps since it has no authkey or another one (%w)", io.ErrUnexpectedEOF)
	case errors.Is(err, breezeway.ErrTooLarge):
		return fmt.Errorf("the other side sends no handshake (%w): %w", breezeway.ErrMismatch, err)
	}
	return err
}
