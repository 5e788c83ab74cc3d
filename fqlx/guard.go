package fqlx

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// maxAnswer is the most that is read of an answer, in bytes. Ours are small; a page of FSL
// is the largest.
const maxAnswer = 8 << 20

// guard lets only answers through that fauna-go reads without a panic or a wrong guess: it
// needs an error object with every error and `stats` with every success, and takes a status
// that it does not know for a success. Anything else becomes an error of the transport.
type guard struct {
	next    http.RoundTripper
	trusted bool // successes need no look, see Config.Trusted
}

var errNotFauna = errors.New("the answer is not Fauna's")

func (g guard) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := g.next.RoundTrip(req)
	if err != nil || g.trusted && res.StatusCode == http.StatusOK {
		return res, err
	}
	defer res.Body.Close()
	// A length is only claimed: memory for much of it is taken as it arrives.
	var read bytes.Buffer
	read.Grow(int(min(max(res.ContentLength, 0), 64<<10)) + bytes.MinRead)
	_, err = read.ReadFrom(io.LimitReader(res.Body, maxAnswer+1))
	body := read.Bytes()
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading the answer: %w", err)
	case len(body) > maxAnswer:
		return nil, fmt.Errorf("the answer is longer than %d bytes", maxAnswer)
	}
	if err := check(res.StatusCode, body); err != nil {
		return nil, fmt.Errorf("status %d: %w", res.StatusCode, err)
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	res.ContentLength = int64(len(body))
	return res, nil
}

// check reports whether the driver can read an answer.
func check(status int, body []byte) error {
	var shape struct {
		Error *struct {
			Code string `json:"code"`
		} `json:"error"`
		Stats     *struct{}       `json:"stats"`
		Data      json.RawMessage `json:"data"`
		QueryTags *string         `json:"query_tags"`
	}
	if err := json.Unmarshal(body, &shape); err != nil {
		return errNotFauna
	}
	switch status {
	case http.StatusOK:
		if shape.Stats == nil || shape.Data == nil || shape.Error != nil {
			return errNotFauna
		}
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusConflict,
		http.StatusGone, http.StatusTooManyRequests, 440, http.StatusInternalServerError,
		http.StatusServiceUnavailable:
		if shape.Error == nil {
			return errNotFauna
		}
	default:
		return errNotFauna
	}
	if shape.QueryTags != nil {
		return errNotFauna // we send none, and the driver panics on a malformed one
	}
	return nil
}
