"""How every list of the API is cut into pages."""

from rest_framework.pagination import PageNumberPagination


class Pages(PageNumberPagination):
    """`{count, next, previous, results}`; 100 rows a page, `page_size` up to 1000."""

    page_size = 100
    page_size_query_param = "page_size"
    max_page_size = 1000
