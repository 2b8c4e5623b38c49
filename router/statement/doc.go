// Package statement reads the files in which providers tell what they did, for those who
// offer no call that does: an export of a cabinet, a registry sent by e-mail.
//
// What a file looks like is written in the configuration, not in Go: [Format] says which
// column is what, and how dates, sums and words are written. Rows come out one by one, as
// [providers.StatementLine], so that a file of millions of rows takes no more memory than
// one of ten. [ReadCSV] reads separated values, [ReadXLSX] a sheet of a workbook.
//
//	file --[Read]--> rows --[Format]--> lines, or the first row that cannot be read
//
// A file is believed whole or not at all: a column that is missing, a word that the format
// does not know or a sum with a digit too many refuses it, and the refusal names the row
// and the column, never what stands there, which may be anybody's name.
//
// The package knows no database and no network.
package statement
