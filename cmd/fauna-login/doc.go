// Command fauna-login exchanges an Auth0 JWT for a short-lived Fauna secret.
//
//	fauna-login dev      the whole thing on this machine, no account anywhere
//	fauna-login serve    the service
//	fauna-login engine   the embedded Fauna-compatible engine alone
//	fauna-login schema   pushes the FSL that the exchange needs
//	fauna-login key      makes the service's key, and those of the key ring
//	fauna-login session  lists and ends sessions
//	fauna-login user     blocks and unblocks users
//
// Rules of what it prints: results go to stdout, everything else to stderr. A configuration or
// usage error is one line each, all at once, and exit code 2; a failure at run time exits 1.
// SIGINT and SIGTERM end every command cleanly with exit code 0; SIGHUP makes serve open its audit
// file again, and with audit.output stdout the record is serve's result. No secret is ever a flag's
// value, or part of a log line or an error.
package main
