package auth0test

import (
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"strings"
)

// devMint is POST /dev/mint: [Tenant.Mint] for other languages and for the shell. The type of the
// body must be application/json: a page cannot send that without asking first.
func (t *Tenant) devMint(w http.ResponseWriter, r *http.Request) {
	types := r.Header.Values("Content-Type")
	if media, _, _ := mime.ParseMediaType(strings.Join(types, ",")); media != "application/json" {
		writeError(w, refuse(http.StatusUnsupportedMediaType, "invalid_request", "Content-Type: expected application/json"))
		return
	}
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.UseNumber() // a claim of 1e300 stays what it is
	var claims Claims
	if err := d.Decode(&claims); err != nil || claims == nil {
		writeError(w, refuse(http.StatusBadRequest, "invalid_request", "body: expected an object of claims"))
		return
	}
	if _, err := d.Token(); err != io.EOF {
		writeError(w, refuse(http.StatusBadRequest, "invalid_request", "body: expected one object"))
		return
	}
	header := Claims{}
	if v, ok := claims["header"]; ok && !mergeHeader(header, v) {
		writeError(w, refuse(http.StatusBadRequest, "invalid_request", "header: expected an object"))
		return
	}
	delete(claims, "header")
	writeJSON(w, http.StatusOK, map[string]string{"token": t.mint(claims, header)})
}

// devRotate is POST /dev/rotate: [Tenant.Rotate].
func (t *Tenant) devRotate(w http.ResponseWriter, r *http.Request) {
	t.Rotate()
	kid, _ := t.Key()
	writeJSON(w, http.StatusOK, map[string]string{"kid": kid})
}
