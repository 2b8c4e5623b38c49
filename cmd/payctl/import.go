package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"

	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
)

func (c *client) importCommand() *cobra.Command {
	var id string
	var dry bool
	start := &payrouterv1.ImportStatementRequest_Start{}
	cmd := &cobra.Command{
		Use:   "import GATEWAY FILE --format NAME --from DAY --to DAY --reason TEXT",
		Short: "Hand over a file in which a provider tells what it did", Args: arguments(2, 2),
		Long: `Hands over a file in which a provider tells what it did, such as an export of its cabinet. The
configuration says what such files look like (gateways[].books.formats). The file is
believed whole or not at all: one row that cannot be read refuses it, and is named. What is
accepted becomes the statement of the days that you give, and they are run: see payctl
reconcile list. A file of which only a part arrived is resumed by the same command with the
same --request-id.`,
		Example: `  payctl reconcile import kaspi-main october.csv --format cabinet --from 2026-10-01 --to 2026-10-31 --reason "month end" --dry-run`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if start.GetReason() == "" || start.GetFormat() == "" || start.GetFromDay() == "" || start.GetToDay() == "" {
				return usagef("--format, --from, --to and --reason are required")
			}
			if err := errors.Join(checkDay("--from", start.GetFromDay()), checkDay("--to", start.GetToDay())); err != nil {
				return usageError{err}
			}
			file, err := os.Open(args[1])
			if err != nil {
				return usageError{err}
			}
			defer file.Close()
			sum := sha256.New()
			if start.SizeBytes, err = io.Copy(sum, file); err != nil {
				return usageError{err}
			}
			start.Gateway, start.FileName, start.Sha256 = full("gateways", args[0]), filepath.Base(args[1]), hex.EncodeToString(sum.Sum(nil))
			start.ValidateOnly, start.RequestId = dry, c.once(id)
			i, err := c.sent(cmd, start, file)
			if err == nil {
				i, err = c.untilRead(cmd, i)
			}
			if err != nil {
				return err
			}
			if err := c.show(i, func() { c.printImport(i) }); err != nil || i.GetState() != payrouterv1.StatementImport_STATE_REFUSED {
				return err
			}
			return errRefusedFile
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&start.Format, "format", "", "what the file looks like: a name in the configuration (required)")
	flags.StringVar(&start.FromDay, "from", "", "the first business day that the file is the whole statement of (required)")
	flags.StringVar(&start.ToDay, "to", "", "the last one (required)")
	flags.StringVar(&start.Reason, "reason", "", "why, for the record (required)")
	flags.BoolVar(&dry, "dry-run", false, "read the file, and accept nothing of it")
	flags.StringVar(&id, "request-id", "", "UUID of this file; a new one when empty")
	return cmd
}

var errRefusedFile = errors.New("the file is refused, and nothing of it was kept")

// sent sends a file from where the service has it on, and resumes it once when that is
// elsewhere.
func (c *client) sent(cmd *cobra.Command, start *payrouterv1.ImportStatementRequest_Start, file io.ReadSeeker) (*payrouterv1.StatementImport, error) {
	i, err := c.send(cmd.Context(), start, file)
	for _, detail := range status.Convert(err).Details() {
		info, ok := detail.(*errdetails.ErrorInfo)
		if !ok || info.GetReason() != "IMPORT_OFFSET" {
			continue
		}
		ctx, cancel := c.call(cmd)
		defer cancel()
		i, err = c.finance().GetStatementImport(ctx, &payrouterv1.GetStatementImportRequest{Name: info.GetMetadata()["name"]})
		if err != nil || i.GetState() != payrouterv1.StatementImport_STATE_RECEIVING {
			return i, err
		}
		start.Offset = i.GetReceivedBytes()
		return c.send(cmd.Context(), start, file)
	}
	return i, err
}

func (c *client) send(ctx context.Context, start *payrouterv1.ImportStatementRequest_Start, file io.ReadSeeker) (*payrouterv1.StatementImport, error) {
	if _, err := file.Seek(start.GetOffset(), io.SeekStart); err != nil {
		return nil, err
	}
	stream, err := c.finance().ImportStatement(c.identify(ctx))
	if err != nil {
		return nil, err
	}
	err = stream.Send(&payrouterv1.ImportStatementRequest{Piece: &payrouterv1.ImportStatementRequest_Start_{Start: start}})
	for chunk := make([]byte, 48<<10); err == nil; {
		n, end := io.ReadFull(file, chunk)
		if n > 0 {
			err = stream.Send(&payrouterv1.ImportStatementRequest{Piece: &payrouterv1.ImportStatementRequest_Chunk{Chunk: chunk[:n]}})
		}
		if end != nil {
			break // of the file; what else is wrong with it shows by its sum
		}
	}
	return stream.CloseAndRecv() // a Send that failed is explained here
}

// untilRead waits until a file has been read.
func (c *client) untilRead(cmd *cobra.Command, i *payrouterv1.StatementImport) (*payrouterv1.StatementImport, error) {
	for i.GetState() == payrouterv1.StatementImport_STATE_READING {
		select {
		case <-cmd.Context().Done():
			return i, cmd.Context().Err()
		case <-time.After(300 * time.Millisecond):
		}
		ctx, cancel := c.call(cmd)
		next, err := c.finance().GetStatementImport(ctx, &payrouterv1.GetStatementImportRequest{Name: i.GetName()})
		cancel()
		if err != nil {
			return i, err
		}
		i = next
	}
	return i, nil
}

func (c *client) printImport(i *payrouterv1.StatementImport) {
	t := c.grid()
	row := func(name, value string) {
		if value != "" {
			t.row(name, value)
		}
	}
	row("import", i.GetName())
	row("gateway", last(i.GetGateway()))
	row("file", fmt.Sprintf("%s, %d of %d bytes", i.GetFileName(), i.GetReceivedBytes(), i.GetSizeBytes()))
	row("days", i.GetFromDay()+" to "+i.GetToDay())
	row("state", word(i.GetState().String(), "STATE_"))
	row("movements", count(i.GetLines()))
	row("row", count(i.GetRefusedRow()))
	row("column", i.GetRefusedColumn())
	row("what is wrong", i.GetRefusedWhy())
	t.render()
	switch i.GetState() {
	case payrouterv1.StatementImport_STATE_ACCEPTED:
		fmt.Fprintf(c.out, "\nIts days are being run. See how far they are with: payctl reconcile list %s\n", last(i.GetGateway()))
	case payrouterv1.StatementImport_STATE_VALID:
		fmt.Fprintln(c.out, "\nThe file can be read. Nothing of it was kept.")
	}
}
