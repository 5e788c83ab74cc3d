// Package auth0 holds what a tenant pastes into Auth0: a post-login Action in two forms, a
// post-registration Action, the scripts of a custom database connection, and an ended Rule. There
// is no Go in it but the tests, which run each script unchanged under Node.js, in objects that
// behave as Auth0 documents, against the running service. README.md says how to deploy them.
package auth0
