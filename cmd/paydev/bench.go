package main

import (
	"context"
	"io"
)

func bench(context.Context, []string, io.Writer, io.Writer) int { return 2 }
