"""What people look at: the dashboard, the charts, the form. Only this floor imports widgets and plotly."""
