// Package paper makes documents for people outside of engineering: the statement of a
// gateway that finance and a bank read, and the checklist that goes with it.
//
//	Statement --+--> WriteCSV    for programs, and for any table editor
//	            +--> WriteXLSX   real numbers and dates, up to a million rows a sheet
//	            +--> WritePDF    to be signed and attached, up to PDFRows rows
//	Checklist -----> Checklist.WritePDF
//
// Each is written in Russian, Kazakh or English, from one table of words.
//
// The package counts nothing and decides nothing: the totals that it is given are the
// totals that it prints. It asks for the rows one by one and keeps none of them, so that a
// statement of a million rows takes no more memory than one of ten; what a format forces
// to be kept is kept in a temporary file (XLSX) or bounded (PDF). The same input gives the
// same bytes, so that two people can compare two files by their hash.
//
// It never reads the clock, the books or the network.
package paper
