"""The dashboard's ways of showing things, for its templates."""

from django import template

from gateway.identity import admin_display

register = template.Library()
register.filter("ago", admin_display.ago)
register.filter("chip", admin_display.chip)
register.filter("duration", admin_display.duration)
register.filter("pretty", admin_display.pretty)
register.filter("bytes", admin_display.size)
