-- One pass per entity: judge every raw row (schema `checked`), then deal the rows out. A row is in
-- silver when it has no reason, and in quarantine when it has one, so none can be in both or lost.
CREATE SCHEMA checked;
CREATE SCHEMA silver;

-- ── customers ───────────────────────────────────────────────────────────────────────────────────
CREATE TABLE checked.customers AS
WITH
typed AS (
    SELECT
        *,
        as_bigint(customer_id) AS id,
        as_email(email) AS email_value,
        capitalised(as_text(first_name)) AS first_name_value,
        capitalised(as_text(last_name)) AS last_name_value,
        upper(as_text(country)) AS country_value,
        as_date(created_at) AS created_on
    FROM bronze.customers
),
judged AS (
    SELECT
        *,
        CASE
            WHEN _corrupt_record IS NOT NULL THEN 'corrupt_row'
            ELSE nullif(
                concat_ws(
                    ',',
                    fault('customer_id', customer_id, id),
                    fault('email', email, email_value),
                    fault('created_at', created_at, created_on)
                ),
                ''
            )
        END AS broken_rules
    FROM typed
),
ranked AS (
    -- Rows that break a rule are kept apart: they must not win over, or count as, a duplicate.
    SELECT
        *,
        row_number() OVER (
            PARTITION BY broken_rules IS NULL, id
            ORDER BY
                _delivery DESC,
                created_on DESC NULLS LAST,
                email_value DESC NULLS LAST,
                first_name_value DESC NULLS LAST,
                last_name_value DESC NULLS LAST,
                country_value DESC NULLS LAST,
                -- Equal in every value: the raw text decides which one is kept.
                customer_id DESC NULLS LAST,
                email DESC NULLS LAST,
                first_name DESC NULLS LAST,
                last_name DESC NULLS LAST,
                country DESC NULLS LAST,
                created_at DESC NULLS LAST
        ) AS place
    FROM judged
)
SELECT *, coalesce(broken_rules, CASE WHEN place > 1 THEN 'duplicate_key' END) AS reason
FROM ranked;

CREATE TABLE silver.stg_customers AS
SELECT
    id AS customer_id,
    email_value AS email,
    first_name_value AS first_name,
    last_name_value AS last_name,
    country_value AS country,
    created_on AS customer_created_at,
    true AS is_valid_email
FROM checked.customers
WHERE reason IS NULL;

-- ── orders ──────────────────────────────────────────────────────────────────────────────────────
CREATE TABLE checked.orders AS
WITH
typed AS (
    SELECT
        *,
        as_bigint(order_id) AS id,
        as_bigint(customer_id) AS customer,
        as_date(order_date) AS ordered_on,
        lower(as_text(status)) AS status_value,
        CASE
            -- An empty shipping cost is a free delivery, not a missing value.
            WHEN as_text(shipping_cost) IS NULL THEN CAST(0 AS DECIMAL(10, 2))
            ELSE as_price(shipping_cost)
        END AS shipping
    FROM bronze.orders
),
judged AS (
    SELECT
        *,
        CASE
            WHEN _corrupt_record IS NOT NULL THEN 'corrupt_row'
            ELSE nullif(
                concat_ws(
                    ',',
                    fault('order_id', order_id, id),
                    fault('customer_id', customer_id, customer),
                    fault('order_date', order_date, ordered_on),
                    fault('status', status, status_value),
                    CASE WHEN shipping IS NULL THEN 'invalid_shipping_cost' END
                ),
                ''
            )
        END AS broken_rules
    FROM typed
),
ranked AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY broken_rules IS NULL, id
            ORDER BY
                _delivery DESC,
                ordered_on DESC NULLS LAST,
                customer DESC NULLS LAST,
                status_value DESC NULLS LAST,
                shipping DESC NULLS LAST,
                order_id DESC NULLS LAST,
                customer_id DESC NULLS LAST,
                order_date DESC NULLS LAST,
                status DESC NULLS LAST,
                shipping_cost DESC NULLS LAST
        ) AS place
    FROM judged
)
SELECT *, coalesce(broken_rules, CASE WHEN place > 1 THEN 'duplicate_key' END) AS reason
FROM ranked;

CREATE TABLE silver.stg_orders AS
SELECT
    id AS order_id,
    customer AS customer_id,
    ordered_on AS order_date,
    status_value AS order_status,
    shipping AS shipping_cost,
    CAST(year(ordered_on) AS INTEGER) AS order_year,
    CAST(month(ordered_on) AS INTEGER) AS order_month,
    CAST(quarter(ordered_on) AS INTEGER) AS order_quarter,
    dayname(ordered_on) AS order_day_of_week,
    status_value = 'completed' AS is_completed
FROM checked.orders
WHERE reason IS NULL;

-- ── order items ─────────────────────────────────────────────────────────────────────────────────
CREATE TABLE checked.order_items AS
WITH
typed AS (
    SELECT
        *,
        as_bigint(order_item_id) AS id,
        as_bigint(order_id) AS order_ref,
        as_bigint(product_id) AS product_ref,
        as_quantity(quantity) AS units,
        as_price(unit_price) AS price
    FROM bronze.order_items
),
totalled AS (
    -- 19 digits: the product must be able to overflow its column without overflowing the arithmetic.
    SELECT *, CAST(units AS DECIMAL(19, 0)) * price AS total
    FROM typed
),
judged AS (
    SELECT
        *,
        CASE
            WHEN _corrupt_record IS NOT NULL THEN 'corrupt_row'
            ELSE nullif(
                concat_ws(
                    ',',
                    fault('order_item_id', order_item_id, id),
                    fault('order_id', order_id, order_ref),
                    fault('product_id', product_id, product_ref),
                    fault('quantity', quantity, units),
                    fault('unit_price', unit_price, price),
                    -- Not a column of the file, so it stands last. NULL (no reason) when a
                    -- factor is already at fault.
                    CASE WHEN total > 9999999999999999.99 THEN 'invalid_line_total' END
                ),
                ''
            )
        END AS broken_rules
    FROM totalled
),
ranked AS (
    -- No date in this file: the delivery, then the columns.
    SELECT
        *,
        row_number() OVER (
            PARTITION BY broken_rules IS NULL, id
            ORDER BY
                _delivery DESC,
                order_ref DESC NULLS LAST,
                product_ref DESC NULLS LAST,
                units DESC NULLS LAST,
                price DESC NULLS LAST,
                order_item_id DESC NULLS LAST,
                order_id DESC NULLS LAST,
                product_id DESC NULLS LAST,
                quantity DESC NULLS LAST,
                unit_price DESC NULLS LAST
        ) AS place
    FROM judged
)
SELECT *, coalesce(broken_rules, CASE WHEN place > 1 THEN 'duplicate_key' END) AS reason
FROM ranked;

CREATE TABLE silver.stg_order_items AS
SELECT
    id AS order_item_id,
    order_ref AS order_id,
    product_ref AS product_id,
    units AS quantity,
    price AS unit_price,
    CAST(total AS DECIMAL(18, 2)) AS line_total
FROM checked.order_items
WHERE reason IS NULL;

-- ── products ────────────────────────────────────────────────────────────────────────────────────
CREATE TABLE checked.products AS
WITH
typed AS (
    SELECT
        *,
        as_bigint(product_id) AS id,
        capitalised(as_text(category)) AS category_value,
        as_text(product_name) AS name_value,
        as_price(cost_price) AS cost,
        as_price(list_price) AS list
    FROM bronze.products
),
judged AS (
    SELECT
        *,
        CASE
            WHEN _corrupt_record IS NOT NULL THEN 'corrupt_row'
            ELSE nullif(
                concat_ws(
                    ',',
                    fault('product_id', product_id, id),
                    fault('product_name', product_name, name_value),
                    fault('cost_price', cost_price, cost),
                    fault('list_price', list_price, list)
                ),
                ''
            )
        END AS broken_rules
    FROM typed
),
ranked AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY broken_rules IS NULL, id
            ORDER BY
                _delivery DESC,
                name_value DESC NULLS LAST,
                category_value DESC NULLS LAST,
                cost DESC NULLS LAST,
                list DESC NULLS LAST,
                product_id DESC NULLS LAST,
                product_name DESC NULLS LAST,
                category DESC NULLS LAST,
                cost_price DESC NULLS LAST,
                list_price DESC NULLS LAST
        ) AS place
    FROM judged
)
SELECT *, coalesce(broken_rules, CASE WHEN place > 1 THEN 'duplicate_key' END) AS reason
FROM ranked;

CREATE TABLE silver.stg_products AS
WITH
in_cents AS (
    SELECT
        *,
        CAST(cost * 100 AS BIGINT) AS cost_cents,
        CAST(list * 100 AS BIGINT) AS list_cents
    FROM checked.products
    WHERE reason IS NULL
),
in_hundredths_of_a_percent AS (
    -- Whole numbers only: half up is "twice the dividend plus the divisor, over twice the divisor".
    SELECT
        *,
        sign(list_cents - cost_cents)
            * ((2 * 10000 * abs(list_cents - cost_cents) + list_cents)
                // (2 * nullif(list_cents, 0))) AS pct_hundredths
    FROM in_cents
)
SELECT
    id AS product_id,
    name_value AS product_name,
    category_value AS category,
    cost AS cost_price,
    list AS list_price,
    CAST(list - cost AS DECIMAL(10, 2)) AS profit_margin,
    CASE
        WHEN abs(pct_hundredths) <= 999999999999
        THEN CAST(CAST(pct_hundredths AS DECIMAL(14, 0)) * 0.01 AS DECIMAL(12, 2))
    END AS profit_margin_pct
FROM in_hundredths_of_a_percent;

-- ── quarantine ──────────────────────────────────────────────────────────────────────────────────
CREATE TABLE silver.quarantine AS
SELECT
    'customers' AS source_table,
    as_text(customer_id) AS record_key,
    reason,
    CAST(to_json({
        customer_id: customer_id, email: email, first_name: first_name, last_name: last_name,
        country: country, created_at: created_at, _corrupt_record: _corrupt_record
    }) AS VARCHAR) AS record,
    _source_file,
    _delivery,
    _row
FROM checked.customers
WHERE reason IS NOT NULL
UNION ALL
SELECT
    'orders',
    as_text(order_id),
    reason,
    CAST(to_json({
        order_id: order_id, customer_id: customer_id, order_date: order_date, status: status,
        shipping_cost: shipping_cost, _corrupt_record: _corrupt_record
    }) AS VARCHAR),
    _source_file,
    _delivery,
    _row
FROM checked.orders
WHERE reason IS NOT NULL
UNION ALL
SELECT
    'order_items',
    as_text(order_item_id),
    reason,
    CAST(to_json({
        order_item_id: order_item_id, order_id: order_id, product_id: product_id,
        quantity: quantity, unit_price: unit_price, _corrupt_record: _corrupt_record
    }) AS VARCHAR),
    _source_file,
    _delivery,
    _row
FROM checked.order_items
WHERE reason IS NOT NULL
UNION ALL
SELECT
    'products',
    as_text(product_id),
    reason,
    CAST(to_json({
        product_id: product_id, product_name: product_name, category: category,
        cost_price: cost_price, list_price: list_price, _corrupt_record: _corrupt_record
    }) AS VARCHAR),
    _source_file,
    _delivery,
    _row
FROM checked.products
WHERE reason IS NOT NULL;
