// Package providers holds the words that every gateway adapter speaks: money,
// references, charges, results and the claims an adapter makes about its
// provider.
//
// A provider is a kind of payment company (Kaspi, Halyk, WayForPay); a gateway
// is one configured account there. One adapter value serves one gateway.
//
// The package decides nothing about payments and touches no network, no
// database and no log. Its central rule is in the shape of [Result]: a provider
// call has no error path. Whatever went wrong is a Result, and a Result that
// nobody filled in says [Unknown], "the money may have moved". Only a proof
// that nothing was taken on ([Unserved]) lets the next gateway be tried.
//
//	verdict    may money have moved?        may it still move?
//	Unknown    nobody knows                 yes
//	Pending    not yet                      yes
//	Held       authorised, not captured     it is ours to capture or release
//	Approved   yes                          -
//	Declined   no, the payer's side said no no
//	Unserved   no, proved not taken on      no
package providers
