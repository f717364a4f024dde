package kernelobj

import (
	"testing"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

func TestMain(m *testing.M) { ipctest.Main(m) }

func ownRule(t *testing.T) access.Rule {
	t.Helper()
	rule, err := access.New(0, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return rule
}

func uniqueName() string { return Name(ipctest.UniqueName(), breezeway.Session) }
