package web

import (
	"crypto/rand"
	"crypto/subtle"
	"net/http"
	"strings"
	"time"
)

// newToken returns 128 random bits or more, as text.
func newToken() string { return rand.Text() }

// policy lets the page use its own files and this server, and nothing else. It runs no
// script that stands in the page's text, and turns no text into elements.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// guard lets through what may be asked. The checks don't depend on each other:
//   - Host is this server's address. A page of a name that its owner made resolve to
//     127.0.0.1 (DNS rebinding) sends that name.
//   - Origin, where the browser sends one, is this server's, and every change has it: no
//     other page can ask in the person's name.
//   - The path has the token: neither can another user of this machine, whose programs
//     send what headers they like.
func (s *Server) guard(next http.Handler) http.Handler {
	host := s.host()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		setHeaders(w.Header())
		origin, changes := r.Header["Origin"], r.Method != http.MethodGet && r.Method != http.MethodHead
		switch {
		case r.Host != host:
			refuse(w, "this server has another name", http.StatusMisdirectedRequest)
			return
		case changes && len(origin) == 0, len(origin) > 1, len(origin) == 1 && origin[0] != "http://"+host:
			refuse(w, "only the timetable's own page may ask", http.StatusForbidden)
			return
		case foreign(r.Header.Get("Sec-Fetch-Site"), r.Header.Get("Sec-Fetch-Mode")):
			refuse(w, "only the timetable's own page may ask", http.StatusForbidden)
			return
		}
		token, path, found := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		if !found || subtle.ConstantTimeCompare([]byte(token), []byte(s.token)) != 1 {
			refuse(w, "there is nothing here; open the address that the server printed when it started", http.StatusNotFound)
			return
		}
		below := r.Clone(r.Context())
		below.URL.Path, below.URL.RawPath = "/"+path, ""
		next.ServeHTTP(w, below)
	})
}

// refuse answers what may not be asked. It waits for no body: any user of this machine may
// have sent the request, and would keep the connection.
func refuse(w http.ResponseWriter, text string, code int) {
	w.Header().Set("Connection", "close")
	http.NewResponseController(w).SetReadDeadline(time.Now().Add(refusedTime)) // if it fails, the connection has gone
	http.Error(w, text, code)
}

// foreign reports whether a browser says that another page asks. Following a link is
// navigation, which may begin anywhere: nothing but the page is got so.
func foreign(site, mode string) bool {
	return site != "" && site != "same-origin" && site != "none" && mode != "navigate"
}

func setHeaders(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer") // the token stays here
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}
