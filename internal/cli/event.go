package cli

import (
	"time"
	"unicode/utf8"

	"github.com/breezeway-ipc/breezeway"
)

// event is what --json prints, one object per line. What does not apply is left
// out.
type event struct {
	Event      string    `json:"event"`
	Time       time.Time `json:"time"`
	URL        string    `json:"url,omitempty"`
	Address    string    `json:"address,omitempty"`
	Connection int       `json:"connection,omitempty"`
	Peer       *peerInfo `json:"peer,omitempty"`
	Text       *string   `json:"text,omitempty"`
	Base64     []byte    `json:"base64,omitempty"`
	Split      bool      `json:"split,omitempty"`
	Messages   *int      `json:"messages,omitempty"`
	Bytes      *int64    `json:"bytes,omitempty"`
	Size       int64     `json:"size,omitempty"`
	Offset     *int64    `json:"offset,omitempty"`
	Old        string    `json:"old,omitempty"`
	New        string    `json:"new,omitempty"`
	Drained    *bool     `json:"drained,omitempty"`
	Exit       *int      `json:"exit,omitempty"`
	Error      string    `json:"error,omitempty"`
}

type peerInfo struct {
	PID        int    `json:"pid"`
	User       string `json:"user"`
	Executable string `json:"executable,omitempty"`
}

func infoOf(p breezeway.Peer) *peerInfo {
	return &peerInfo{p.PID, p.User(), p.Executable}
}

// setText puts what arrived into the event; JSON can't carry what is not UTF-8.
func (e *event) setText(text string) {
	if utf8.ValidString(text) {
		e.Text = &text
	} else {
		e.Base64 = []byte(text)
	}
}

func (e event) withText(text string) event {
	e.setText(text)
	return e
}

// String returns the event as a line of JSON.
func (e event) String() string { return jsonLine(e) }
