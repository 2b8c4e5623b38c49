// Package audit is the chain of what people changed: each record carries the sum of the one
// before it, so that nobody can change, remove, move or add one without its showing.
//
//	number   1              2              3
//	         ┌──────────┐   ┌──────────┐   ┌──────────┐
//	         │ aida     │   │ aida     │   │ router   │
//	         │ asked    │   │ ended OK │   │ note     │
//	  0 ◄────┤ previous │◄──┤ previous │◄──┤ previous │      anchor: 3, its sum
//	         │ sum      │   │ sum      │   │ sum      │ ◄─── kept elsewhere
//	         └──────────┘   └──────────┘   └──────────┘
//
// What a person wants to do is recorded before it is done (asked), and what came of it
// afterwards (ended). One that was asked and never ended was cut off in between: what became
// of it must be looked up. What nobody asks for, as that an override ran out, is a note.
//
// The chain holds no secret. Whoever may write everything in the books can write a whole
// chain anew, or cut its end off, and what is left holds together. An [Anchor] that was
// exported before, and is kept where that person cannot write, shows both.
//
// The package is pure: it reads no clock and no books.
package audit
