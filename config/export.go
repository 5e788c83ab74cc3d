package config

import "errors"

// CheckEndpoint checks the URL of a Fauna endpoint as fauna.endpoint is checked: https, or
// http on this machine.
func CheckEndpoint(s string) error {
	if !safeURL(s) {
		return errors.New("expected an https URL, or an http URL of this machine, such as http://127.0.0.1:8443")
	}
	return nil
}

// CheckListen checks an address to listen on as listen is checked.
func CheckListen(s string) error {
	if !validAddress(s) {
		return errors.New("expected host:port, such as 127.0.0.1:8443; port 0 picks a free one")
	}
	return nil
}

// CheckUserCollection checks a name as fauna.user_collection is checked.
func CheckUserCollection(s string) error {
	if !validCollection(s) {
		return errors.New("expected an FQL identifier that Fauna and fauna-login do not use themselves")
	}
	return nil
}
