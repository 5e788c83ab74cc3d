// Package engine is a Fauna-compatible database for one machine: FQL v10, FSL, roles and
// secrets, over Fauna's own wire protocol. Drivers such as fauna-go work unchanged.
//
// It is right before it is broad. What it does not support (event streams, migrations,
// access providers, child databases, time travel) is refused by name and never imitated.
//
//	e, err := engine.Open(engine.Options{Dir: "data", RootSecret: secret})
//	if err != nil {
//		return err
//	}
//	defer e.Close()
//	return http.ListenAndServe("127.0.0.1:8443", e.Handler())
//
// There are three ways in, and all take the same path through the wire format:
// [Engine.Handler] for drivers and tools, [Engine.PublicHandler] for single-page apps, which
// refuses every secret that belongs on a server, and [Engine.Transport] for a driver in the
// same process.
//
// Package enginetest starts an engine in memory for a test, with a clock that the test moves.
package engine
