package fqlx

import (
	_ "embed"
	"regexp"
)

// WantSchema is the version of the schema that this program works with: what the pushed
// function auth0SchemaVersion() must answer.
const WantSchema = 3

// The names of the two files that [Schema] returns, and of that of [DatabaseSchema].
const (
	OwnFile      = "fauna-login.fsl"
	AppFile      = "fauna-login.app.fsl"
	DatabaseFile = "fauna-login.database.fsl"
)

//go:embed schema/fauna-login.fsl
var ownFSL string

//go:embed schema/fauna-login.app.fsl
var appFSL string

//go:embed schema/fauna-login.database.fsl
var databaseFSL string

// File is one FSL file.
type File struct {
	Name, Content string
	// Once: the file is the app's, pushed only where none of its name is there.
	Once bool
}

// userName is the user collection in the embedded files, which are valid FSL as they stand.
var userName = regexp.MustCompile(`\bUser\b`)

// Schema returns the FSL that the exchange needs, written for a user collection of that name
// (a valid FQL identifier): the file that is replaced by each push, and the app's, which is
// pushed only when it is not there.
func Schema(userCollection string) (own, app File) {
	return File{Name: OwnFile, Content: userName.ReplaceAllLiteralString(ownFSL, userCollection)},
		File{Name: AppFile, Content: userName.ReplaceAllLiteralString(appFSL, userCollection), Once: true}
}

// DatabaseSchema returns the FSL of accounts with passwords, for Auth0's custom database scripts.
// It needs nothing of [Schema], and is the app's from the first push on.
func DatabaseSchema() File {
	return File{Name: DatabaseFile, Content: databaseFSL, Once: true}
}

// appFunction is where the app's file turns from the user collection to the function.
var appFunction = regexp.MustCompile(`(?m)^// Finds or creates`)

// withoutCollection cuts the user collection out of the app's file, for a database that has
// one of that name already.
func withoutCollection(app File) File {
	app.Content = app.Content[appFunction.FindStringIndex(app.Content)[0]:]
	return app
}
