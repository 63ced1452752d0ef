"""Made-up diagrams: any at all, and one of sixty tables as a shop has them."""

from __future__ import annotations

from hypothesis import strategies as st

from sartor import Change, Diagram, DiagramColumn, DiagramKey, DiagramReference, DiagramTable, DiagramType, RelationName

HOSTILE = (
    'a"b', "it's", "new\nline", "<script>alert(1)</script>", "]]>", "--> <!--", "&amp;", "#60;", "direction LR",
    "Direction\ttb", "pk", "end", "100%", "%%{init: {}}%%", "back\\slash", "`tick`", "{x}", "style a:b#c;", "---",
    "'''", "//c", "/* c */", "\u202egnp", "::error::x", "##[error]x", "\x01", "\ufffe", "  ", "\u8868\u683c", "1a",
)  # fmt: skip
"""Names that a format, a browser or a pipeline might act on."""

SHOP = """
    plans; tenants plans; users tenants; user_emails users; sessions users; api_keys users tenants; roles tenants
    user_roles users roles; permissions; role_permissions roles permissions; audit_events tenants users; countries
    currencies; addresses users countries; customers tenants users addresses; customer_notes customers users
    tags tenants; customer_tags customers tags; categories tenants categories; brands tenants
    products tenants brands categories; product_images products; product_variants products; options products
    option_values options; variant_options product_variants option_values; prices product_variants currencies
    price_lists tenants currencies; price_list_items price_lists product_variants; suppliers tenants countries
    supplier_products suppliers product_variants; warehouses tenants addresses; stock warehouses product_variants
    stock_moves stock users; purchase_orders suppliers warehouses users; purchase_lines purchase_orders product_variants
    carts customers currencies; cart_items carts product_variants; orders customers currencies addresses
    order_lines orders product_variants; order_events orders users; discounts tenants; order_discounts orders discounts
    payment_methods customers; payments orders payment_methods; refunds payments users; invoices orders
    invoice_lines invoices order_lines; carriers countries; shipments orders warehouses carriers
    shipment_lines shipments order_lines; tracking_events shipments; returns orders; return_lines returns order_lines
    reviews products customers; wishlists customers; wishlist_items wishlists product_variants; webhooks tenants
    feature_flags; job_queue
"""
"""Tables, each with those that it refers to."""

_names = st.one_of(st.sampled_from(HOSTILE), st.text(min_size=1, max_size=30).filter(lambda text: "\0" not in text))
_changes = st.sampled_from((None, *Change))
_columns = st.builds(
    DiagramColumn,
    name=_names,
    type=st.one_of(_names, st.sampled_from(("bigint", "varchar(20)[]", "double precision"))),
    not_null=st.booleans(),
    primary=st.booleans(),
    unique=st.booleans(),
    references=st.booleans(),
    default=st.one_of(st.none(), _names),
    comment=_names,
    change=_changes,
    before=_names,
)


@st.composite
def diagrams(draw: st.DrawFn) -> Diagram:
    """Any diagram, with foreign keys between its tables, to themselves as well."""
    names = draw(st.lists(_names, max_size=9, unique=True))
    tables = [
        DiagramTable(
            name=RelationName("public", name),
            columns=tuple(draw(st.lists(_columns, max_size=5, unique_by=lambda column: column.name))),
            detail=draw(_names),
            comment=draw(_names),
            outside=draw(st.booleans()),
            change=draw(_changes),
        )
        for name in sorted(names)
    ]
    ends = st.sampled_from([table.name for table in tables]) if tables else st.nothing()
    references = st.builds(
        DiagramReference,
        name=_names,
        table=ends,
        columns=st.tuples(_names),
        to=ends,
        to_columns=st.tuples(_names),
        single=st.booleans(),
        optional=st.booleans(),
        change=_changes,
    )
    found = draw(st.lists(references, max_size=15, unique_by=lambda each: each.key)) if tables else []
    labels = st.lists(_names, max_size=4, unique=True).map(tuple)
    types = st.builds(DiagramType, name=st.builds(RelationName, _names, _names), kind=st.just("enum"), values=labels)
    return Diagram(
        schema="public",
        release=draw(st.sampled_from(("", "next", "1.0.0"))),
        since=draw(st.sampled_from(("", "0.9.0"))),
        tables=tuple(tables),
        references=tuple(sorted(found, key=lambda each: each.key)),
        types=tuple(draw(st.lists(types, max_size=3, unique_by=lambda each: each.name))),
    )


def shop() -> Diagram:
    """A shop's sixty tables, with three to eleven columns each."""
    tables, references = list[DiagramTable](), list[DiagramReference]()
    for at, line in enumerate(SHOP.replace("\n", ";").split(";")):
        if not (words := line.split()):
            continue
        name, columns = RelationName("public", words[0]), [DiagramColumn(name="id", type="bigint", primary=True)]
        for word in words[1:]:
            columns.append(DiagramColumn(name=f"{word}_id", type="bigint", not_null=True, references=True))
            to = RelationName("public", word)
            references.append(
                DiagramReference(
                    name=f"{name.name}_{word}", table=name, columns=(f"{word}_id",), to=to, to_columns=("id",)
                )
            )
        columns += [DiagramColumn(name=f"value_{n}", type="timestamptz") for n in range(2 + at % 7)]
        tables.append(DiagramTable(name=name, columns=tuple(columns), keys=(DiagramKey(("id",), primary=True),)))
    return Diagram(
        schema="public",
        release="3.4.0",
        tables=tuple(sorted(tables, key=lambda table: table.name)),
        references=tuple(sorted(references, key=lambda each: each.key)),
    )
