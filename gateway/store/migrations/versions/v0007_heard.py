"""When a gateway was heard can be asked without reading all of its windows."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """An index."""
    op.execute("CREATE INDEX windows_by_gateway ON windows (gateway, second)")


def downgrade() -> None:
    """Without it."""
    op.execute("DROP INDEX windows_by_gateway")
