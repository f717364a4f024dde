package cli

import (
	"fmt"
	"io"
	"os"
	"time"
	"unicode/utf8"

	"github.com/breezeway-ipc/breezeway"
	"github.com/spf13/cobra"
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
	Priority   int       `json:"priority,omitempty"`
	ID         string    `json:"id,omitempty"`
	Type       int       `json:"type,omitempty"`
	Deliveries int       `json:"deliveries,omitempty"`
	Split      bool      `json:"split,omitempty"`
	Count      int       `json:"count,omitempty"`
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
	if p.UID < 0 && p.SID == "" {
		return nil // TCP tells no process
	}
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

// doneFlag is --json of a verb that prints nothing else.
type doneFlag struct{ json bool }

func (d *doneFlag) register(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&d.json, "json", false, "print JSON")
}

// doneHelp is what the help of such a verb says. %s is the event.
func doneHelp(event string) string {
	return fmt.Sprintf(`

With --json it prints one object when it is done:
  event  %s; time: RFC 3339
  url    as given`, event)
}

// report prints that the verb has done what it should, if --json is given and err is nil.
func (d *doneFlag) report(err error, what, url string, count int) error {
	if err == nil && d.json {
		_, err = io.WriteString(newScreen(os.Stdout), event{Event: what, Time: time.Now(), URL: url, Count: count}.String())
	}
	return err
}

// String returns the event as a line of JSON.
func (e event) String() string { return jsonLine(e) }
