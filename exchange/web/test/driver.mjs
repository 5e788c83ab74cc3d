// npm's `fauna`, or why it is not there. CI must have it.

export let fauna;
export let skip = false;

try {
  fauna = await import('fauna');
} catch (error) {
  if (error.code !== 'ERR_MODULE_NOT_FOUND' || process.env.CI === 'true') throw error;
  skip = 'the driver is not installed: run `npm ci` in exchange/web';
}
