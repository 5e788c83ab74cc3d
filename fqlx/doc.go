// Package fqlx is the Fauna side of the exchange: a safe client over fauna-go, and the FSL
// that the exchange needs in a database.
//
// A [Client] holds the service's key, which may call our functions and nothing else. It has
// typed requests and answers only; nothing a user controls is ever part of a query's text.
// An [Admin] holds an administrator's secret for the length of a command: it pushes the FSL,
// makes keys, lists and ends sessions, and blocks users.
//
// fauna-go is used with care, for it is not safe everywhere: per-query options stick to all
// later requests, so only the context is given; its first use writes fields without a lock,
// so [New] makes that use; a body that is not Fauna's makes it panic, so a transport in front
// of it (guard.go) lets nothing else through.
//
//	client := fqlx.New(fqlx.Config{Endpoint: "https://fauna.internal:8443", Secret: key})
//	session, err := client.Exchange(ctx, fqlx.ExchangeRequest{ … })
//	switch {
//	case errors.Is(err, fqlx.ErrUnavailable): // try again later
//	}
package fqlx
