package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"

	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
)

func (c *client) disputeEvidenceCommand() *cobra.Command {
	var path string
	var force bool
	cmd := &cobra.Command{
		Use: "evidence DISPUTE", Short: "Write all that the books know of a disputed payment as a ZIP", Args: arguments(1, 1),
		Long: `Writes all that the books know of a disputed payment as a ZIP archive: a README, a timeline to
read and one for programs, the payment, the webhooks that came, the lines of the gateway's own
books, and a manifest of hashes. The same books give the same bytes. Owner and note of the
dispute stay out of it; people who acted are named, so read it before it goes to a bank.`,
		Example: `  payctl dispute evidence 019ac…
  payctl dispute evidence 019ac… --out case-81.zip
  payctl dispute evidence 019ac… --out - | bsdtar -tf -`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := free(path, force); err != nil { // before anything is asked for
				return err
			}
			stream, err := c.disputes().StreamDisputeEvidence(c.identify(cmd.Context()), &payrouterv1.StreamDisputeEvidenceRequest{Name: full("disputes", args[0])})
			if err != nil {
				return err
			}
			first, err := stream.Recv()
			if err != nil {
				return err
			}
			if path == "-" {
				return copied(c.out, stream)
			}
			if path == "" {
				if path = last(first.GetHead().GetFileName()); path == "" {
					return errors.New("the service names no file: give one with --out")
				}
				if err := free(path, force); err != nil {
					return err
				}
			}
			sum := sha256.New()
			if err := written(path, func(to io.Writer) error { return copied(io.MultiWriter(to, sum), stream) }); err != nil {
				return err
			}
			head := first.GetHead()
			return c.show(head, func() {
				fmt.Fprintf(c.out, "%s: evidence about %s %s\nSHA-256 %s\n", path, word(head.GetDispute().GetKind().String(), "KIND_"), last(head.GetDispute().GetName()),
					hex.EncodeToString(sum.Sum(nil)))
			})
		},
	}
	cmd.Flags().StringVar(&path, "out", "", "the file; - is the output; named after the dispute when empty")
	cmd.Flags().BoolVar(&force, "force", false, "write over a file that is there already")
	return cmd
}

// free refuses a path where something stands already.
func free(path string, force bool) error {
	if path == "" || path == "-" || force {
		return nil
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return usagef("--out %s: it is there already; name another file, or write over it with --force", path)
	}
	return nil
}

// copied writes the bytes of an archive as they come. One that ends before its end is an error.
func copied(to io.Writer, stream grpc.ServerStreamingClient[payrouterv1.StreamDisputeEvidenceResponse]) error {
	for {
		part, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if _, err := to.Write(part.GetChunk()); err != nil {
			return err
		}
	}
}
