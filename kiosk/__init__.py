"""A shop-counter kiosk that takes payments by a printed Mercado Pago QR."""
