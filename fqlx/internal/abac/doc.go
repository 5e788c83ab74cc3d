// Package abac decides what a caller may do (Fauna: roles, attribute-based access control).
//
// A caller has [Rights]: a built-in role, or the user roles that its key names or its
// identity is a member of. The rules are few:
//
//   - the permissions of several roles add up; nothing takes one away
//   - a privilege permits outright, or if its predicate is exactly true
//   - what is not granted is denied, and the zero Rights grant nothing
//
// The package evaluates no FQL: [Rights.Allows] is given a function that does.
package abac
