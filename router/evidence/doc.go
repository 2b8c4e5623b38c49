// Package evidence makes the archive that answers a dispute: what the books know of one
// payment, for a person at a bank to read and for a program to check.
//
//	Bundle ──► Write ──► README.txt      what is contested, and what the files are
//	                     timeline.txt    every fact in order, in words, in two clocks
//	                     timeline.csv    the same for programs, nothing left out
//	                     payment.json    the payment as the API tells it
//	                     notices.csv     which webhooks came, and the hashes of their bodies
//	                     statement.csv   what the gateway's own books say
//	                     manifest.txt    the SHA-256 of every other file
//
// The package is pure: plain values come in, an archive goes out. It reads neither clock nor
// books, and decides nothing. The same bundle gives the same bytes, so that two people can
// compare two archives by their hash.
//
// What it is given it tells: whoever fills a Bundle leaves out card data, tokens and persons.
// Texts are UTF-8; tables are written as the statements of payctl are, so that table editors
// take Cyrillic and Kazakh letters for what they are.
package evidence
