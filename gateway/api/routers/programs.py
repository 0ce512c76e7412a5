"""Programs: what lamps do in a night."""

from gateway.api.routers.light_documents import documents_router
from gateway.store.light_documents import DocumentKind

router = documents_router(DocumentKind.PROGRAM, "/programs")
