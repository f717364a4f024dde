package rpc

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"reflect"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
)

// Where a program says which authorities it trusts, and what it shows itself.
const (
	clientTrust = fail.Go("tls.Config.RootCAs")
	serverTrust = fail.Go("tls.Config.ClientCAs")
	serverName  = fail.Go("tls.Config.ServerName")
	certificate = fail.Go("tls.Config.Certificates")
)

// explainTLS says of the error of a connection by TLS which side refuses, and what to do.
// Other errors stay as they are. trust is where this side says what it trusts.
func explainTLS(err error, trust fail.Go) error {
	var unverified *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var name x509.HostnameError
	switch alert := alertOf(err); {
	case err == nil, errors.Is(err, os.ErrPermission), errors.Is(err, breezeway.ErrMismatch): // explained already
		return err
	case errors.As(err, &name):
		return fmt.Errorf("this side refuses the other's certificate: it has another name than the one dialled; if it should, set %s: %w (%w)", serverName, err, os.ErrPermission)
	case errors.As(err, &unverified):
		return fmt.Errorf("this side refuses the other's certificate; is the authority that signed it one of %s? %w (%w)", trust, err, os.ErrPermission)
	case errors.As(err, &record):
		return fmt.Errorf("the other side does not speak TLS: %w (%w)", err, breezeway.ErrMismatch)
	case alert == certificateRequired:
		return fmt.Errorf("the other side wants a certificate; set %s: %w (%w)", certificate, err, os.ErrPermission)
	case alert >= badCertificate && alert <= illegalCertificate || alert == unknownAuthority || alert == accessDenied:
		return fmt.Errorf("the other side refuses this one's certificate; is the authority that signed %s one that it trusts? %w (%w)", certificate, err, os.ErrPermission)
	}
	return err
}

// Alerts of TLS, RFC 8446, section 6.2. From badCertificate to illegalCertificate all are
// about certificates.
const (
	badCertificate      = 42
	illegalCertificate  = 46 // certificate_unknown
	unknownAuthority    = 48
	accessDenied        = 49
	certificateRequired = 116
)

// alertOf returns the alert by which the other side has ended TLS, 0 if there is none. Its
// type is not exported: it is the number of crypto/tls that is an error.
func alertOf(err error) uint64 {
	for ; err != nil; err = errors.Unwrap(err) {
		if t := reflect.TypeOf(err); t.Kind() == reflect.Uint8 && t.PkgPath() == "crypto/tls" {
			return reflect.ValueOf(err).Uint()
		}
	}
	return 0
}

// explainToken adds to the other side's refusal what this side can do about it.
func (l *link) explainToken(e *Error) error {
	switch {
	case e.Code != CodeUnauthorized || l.serving:
		return e
	case l.cfg.Token == "":
		return fmt.Errorf("%w; if the server has a token, set %s", e, fail.Go("Config.Token"))
	}
	return fmt.Errorf("%w; is %s the server's?", e, fail.Go("Config.Token"))
}
