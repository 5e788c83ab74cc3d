// Package value holds the values of FQL: their kinds, equality, the one total order,
// and the three ways a value is written down.
//
//   - As JSON for clients, tagged or simple (Fauna's two wire formats): [AppendJSON],
//     [DecodeJSON], and a [Reader] that takes whole request bodies apart in one pass.
//   - As a key: [AppendKey] writes bytes which compare as the values do, so that an
//     ordered store is an index.
//   - As bytes at rest: [AppendBinary], [DecodeBinary].
//
// Three rules hold everywhere.
//
// Numbers compare by their exact size, whatever their kind: Long 2⁵³+1 lies between the
// doubles 2⁵³ and 2⁵³+2, although converting it to a double would make it one of them.
// As in Java, and so in Fauna, -0.0 lies directly below 0, and NaN equals itself and lies
// above +Infinity. That makes the order total.
//
// [Compare] and the order of keys are the same order. For numbers both come from one
// function, so they cannot drift apart.
//
// [Equal] is FQL's ==, which is wider than Compare in one point: an ID equals its digits
// as a String or a number. It is therefore not transitive (1 == ID(1) == "1", 1 != "1")
// and must not be used to look things up in sorted data.
//
// Values are immutable and may be shared between goroutines. Nothing here keeps state.
package value
