// Package auth0test is a stand-in Auth0 tenant: real enough to test a single-page app, an API or
// this project's exchange against, with no account anywhere. NOT FOR PRODUCTION: any password is
// right, and whoever can reach it can mint any token.
//
// It imitates what a client can tell: discovery, the key set with the current and the next key,
// /authorize with PKCE (a page that asks which user; silent authentication by prompt=none),
// /oauth/token with its four common grants, /userinfo, /v2/logout, and Auth0's own habits: without
// an audience the access token is opaque, a DPoP proof binds it, custom claims without a namespace vanish silently.
// A path it does not know answers 501 and says so, so that a test never passes by luck.
//
// As in a real tenant the users log in somewhere else than they are made, so there are just two,
// [Ada] and [Grace]. A post-login Action adds the claims of [Options].Action to access tokens; by
// default the user's e-mail address and roles under https://example.com/.
//
// For tests:
//
//	t := auth0test.New(tb)                          // http://localhost:<port>/, closed with tb
//	token := t.Mint()                               // an access token of Ada
//	token = t.Mint(auth0test.Claims{"scope": nil})  // nil removes a claim
//	t.Rotate()                                      // the next key becomes the current one
//	t.Fail(auth0test.Down)                          // the key set cannot be fetched
//
// The handler answers loopback callers only: see [LoopbackOnly].
package auth0test
