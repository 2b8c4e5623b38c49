package journal

import (
	"errors"

	"github.com/jackc/pgx/v5/pgconn"
)

// retryable reports whether a transaction failed only because of another one and
// certainly did not commit: PostgreSQL's serialization failure and deadlock.
func retryable(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "40001" || pg.Code == "40P01")
}
