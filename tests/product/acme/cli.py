import sartor
import typer

app = typer.Typer(help="Acme, a shop.")
upgrade = {"upgrade": "alteration deploy latest"}
app.add_typer(sartor.command(name="acme", alterations="acme.alterations", shortcuts=upgrade), name="db")
